//! Tokens before or after an option that do not belong there.

use proc_macro2::TokenTree;
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Attribute, Token, Visibility, token};

use super::entry::{Entry, Value, measure};
use super::hints;
use crate::errors::Errors;
use crate::tokens::{at_word, separator, word};

/// Reports attributes and a visibility before an option: only fields of a struct can have them.
/// Returns whether there was an attribute.
pub(super) fn decoration(input: ParseStream<'_>, errors: &mut Errors) -> bool {
    let mut decorated = false;
    if input.peek(Token![#]) && input.peek2(Token![!]) {
        errors.add(input.error("an option cannot have attributes; leave this out"));
        for _ in 0..3 {
            let _ = input.parse::<TokenTree>();
        }
    }
    if let Some(attrs) = errors.take(input.call(Attribute::parse_outer)) {
        for attr in attrs.iter().filter(|attr| !attr.path().is_ident("doc")) {
            let fix = if attr.path().is_ident("cfg") {
                "write `cfg` on a constant that is the value, or on the whole struct"
            } else {
                "leave this out"
            };
            errors.spanning(attr, format!("an option cannot have attributes; {fix}"));
            decorated = true;
        }
    }
    if let (true, Ok(visibility)) = (input.peek(Token![pub]), input.parse::<Visibility>()) {
        errors.spanning(visibility, "an option has no visibility; leave `pub` out");
    }
    decorated
}

/// The error for a token other than the comma after a value, such as a unit or the next option, and
/// whether parsing can continue with it.
pub(super) fn unexpected(input: ParseStream<'_>, last: &mut [Entry]) -> (syn::Error, bool) {
    let [.., Entry { key, value }] = last else {
        return separator(input, "options");
    };
    if let (Ok(unit), Value::Expr(number)) = (word(&input.fork()), &*value)
        && let Some(unit) = measure(&key.to_string()).and_then(|one| one.unit(&unit.to_string()))
    {
        let number = number.to_token_stream();
        let error = input.error(format!(
            "the unit follows its number without a space: `{number}{unit}`"
        ));
        *value = Value::Broken;
        return (error, false);
    }
    if let (Some(measure), Value::Expr(first), Ok(second)) = (
        measure(&key.to_string()),
        &*value,
        input.fork().parse::<syn::Lit>(),
    ) {
        let text = format!("{} {}", first.to_token_stream(), second.to_token_stream());
        if let Some(fix) = measure.fix(&text) {
            *value = Value::Broken;
            let what = measure.what;
            let error = input.error(format!("a {what} has one number and one unit: `{fix}`"));
            return (error, false);
        }
    }
    if let (Value::Words(words), true) = (&*value, input.peek(token::Paren)) {
        let word = words.first().map(ToString::to_string).unwrap_or_default();
        let error = input.error(format!(
            "`{word}` takes no arguments; leave the parentheses out"
        ));
        return (error, false);
    }
    if let (Value::Store(..), false) = (&*value, at_word(input) || input.peek(Token![;])) {
        *value = Value::Broken;
        let error = input.error(
            "`store` takes a type and, if needed, a value: `store: RedisStore = \
             RedisStore::connect(…).await?`",
        );
        return (error, false);
    }
    if let (Value::Type(_), true) = (&*value, input.peek(token::Brace)) {
        *value = Value::Broken;
        let error =
            input.error("`data` takes the name of a type; declare the type outside of the config");
        return (error, false);
    }
    let (error, continues) = separator(input, "options");
    // If a known option follows, only the comma is missing.
    let next = word(&input.fork()).is_ok_and(|word| hints::begins(&word.to_string()));
    (error, continues || next)
}
