//! Parses `{ visits: add, … }`, the rules of `merge`.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Token, braced, token};

use crate::errors::Errors;
use crate::tokens::{report_attributes, separator, skip_entry, word};

pub(super) fn parse(
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Vec<(Ident, Ident)>> {
    if !input.peek(token::Brace) {
        return Err(input.error("the rules go in braces: `merge: { visits: add }`"));
    }
    let content;
    braced!(content in input);
    let mut rules = Vec::new();
    while !content.is_empty() {
        report_attributes(&content, "a rule", errors);
        match rule(&content) {
            Ok(rule) => rules.push(rule),
            Err(error) => {
                errors.add(error);
                skip_entry(&content);
            }
        }
        if !content.is_empty() && !content.peek(Token![,]) {
            let (error, continues) = separator(&content, "rules");
            errors.add(error);
            if continues {
                continue;
            }
            skip_entry(&content);
        }
        let _: Option<Token![,]> = content.parse()?;
    }
    Ok(rules)
}

fn rule(input: ParseStream<'_>) -> syn::Result<(Ident, Ident)> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        let message = format!("a field is written without quotes: `{}: …`", text.value());
        return Err(input.error(message));
    }
    let field: Ident = input.parse().map_err(|error| {
        syn::Error::new(error.span(), "a rule begins with a field: `visits: add`")
    })?;
    if input.peek(Token![.]) {
        return Err(input.error(nested(&field)));
    }
    if input.peek(Token![=]) {
        return Err(input.error(format!("a rule is written with a colon: `{field}: …`")));
    }
    if input.parse::<Token![:]>().is_err() {
        return Err(syn::Error::new(
            field.span(),
            format!("`{field}` has no rule; write `{field}: last_wins`, or another rule"),
        ));
    }
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        return Err(input.error(format!(
            "a rule is written without quotes: `{field}: {}`",
            text.value()
        )));
    }
    if input.peek(token::Brace) {
        return Err(input.error(nested(&field)));
    }
    let start = input.span();
    let rule = word(input).map_err(|_| {
        syn::Error::new(
            start,
            format!("this is not a rule; write one such as `{field}: last_wins`"),
        )
    })?;
    if input.peek(token::Paren) {
        return Err(input.error(format!(
            "`{rule}` takes no arguments; leave the parentheses out"
        )));
    }
    Ok((field, rule))
}

fn nested(field: &Ident) -> String {
    format!(
        "a rule is for a field of the data itself, not for a field inside of `{field}`; move the \
         inner field to the data to give it a rule"
    )
}
