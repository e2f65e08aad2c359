//! Parses `[header("N"), bearer, cookie("N", path = "/x")]` without checking it.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use syn::parse::ParseStream;
use syn::{Expr, Token, bracketed, parenthesized, token};

use super::KINDS;
use crate::choice::snake;
use crate::errors::Errors;
use crate::tokens::{at_word, report_attributes, separator, skip_entry, value, word};

/// A loader as written.
pub(crate) struct Raw {
    pub(crate) keyword: Ident,
    pub(crate) args: Option<Args>,
}

/// The arguments of a loader, in parentheses.
pub(crate) struct Args {
    pub(crate) span: Span,
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<Named>,
    /// An argument could not be parsed; the error is already reported.
    pub(crate) broken: bool,
}

/// `key = value`, or `key` alone.
pub(crate) struct Named {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// Returns the span of the brackets, the loaders, and whether one of them could not be parsed.
pub(crate) fn parse(
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<(Span, Vec<Raw>, bool)> {
    if !input.peek(token::Bracket) {
        return Err(input.error(
            "`loaders` takes a list in brackets: `loaders: [header(\"X-User-Session\"), bearer]`",
        ));
    }
    let content;
    let brackets = bracketed!(content in input);
    let mut loaders = Vec::new();
    let mut broken = false;
    while !content.is_empty() {
        report_attributes(&content, "a loader", errors);
        match loader(&content, errors) {
            Ok(loader) => loaders.push(loader),
            Err(error) => {
                errors.add(error);
                broken = true;
                skip_loader(&content);
            }
        }
        if !content.is_empty() && content.parse::<Token![,]>().is_err() {
            errors.add(if content.peek(Token![.]) {
                content.error(
                    "the options of a loader go inside its parentheses: `cookie(\"…\", persistent)`",
                )
            } else {
                separator(&content, "loaders").0
            });
            broken = true;
            if !at_word(&content) {
                skip_loader(&content);
            }
            let _: Option<Token![,]> = content.parse()?;
        }
    }
    Ok((brackets.span.join(), loaders, broken))
}

/// `bearer`, or `header("X-User-Session")`.
fn loader(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Raw> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        let name = text.value();
        return Err(input.error(if KINDS.contains(&name.as_str()) {
            format!("a loader is written without quotes: `{name}`")
        } else {
            format!("this is a name without a loader; write `header({name:?})`")
        }));
    }
    if !at_word(input) {
        let message = if input.peek(Token![,]) {
            "unexpected comma; leave it out"
        } else {
            "this is not a loader; write one such as `header(\"X-User-Session\")`"
        };
        return Err(input.error(message));
    }
    let keyword = word(input)?;
    if input.peek(Token![::]) {
        return Err(path(input, keyword));
    }
    if input.peek(Token![:])
        || input.peek(Token![=])
        || input.peek(token::Bracket)
        || input.peek(token::Brace)
    {
        return Err(input.error(format!(
            "the arguments of a loader go in parentheses: `{keyword}(\"…\")`"
        )));
    }
    let args = input
        .peek(token::Paren)
        .then(|| arguments(input, errors))
        .transpose()?;
    Ok(Raw { keyword, args })
}

/// `SidSource::Bearer`, or a function that should be a custom loader.
fn path(input: ParseStream<'_>, first: Ident) -> syn::Error {
    let mut words = vec![first];
    while let (Ok(Some(_)), true) = (input.parse::<Option<Token![::]>>(), at_word(input)) {
        words.extend(word(input));
    }
    let path: Vec<_> = words.iter().map(ToString::to_string).collect();
    let last = path.last().map_or_else(String::new, |last| snake(last));
    let message = match KINDS.iter().find(|kind| **kind == last) {
        Some(kind) => format!("a loader is written without a path: `{kind}`"),
        None => format!(
            "a function as a loader is written as `custom({})`",
            path.join("::")
        ),
    };
    let last = words.pop().map_or_else(|| input.span(), |last| last.span());
    syn::Error::new(last, message)
}

fn skip_loader(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

fn arguments(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Args> {
    let content;
    let parentheses = parenthesized!(content in input);
    let mut args = Args {
        span: parentheses.span.join(),
        positional: Vec::new(),
        named: Vec::new(),
        broken: false,
    };
    while !content.is_empty() {
        if let Err(error) = argument(&content, &mut args) {
            errors.add(error);
            args.broken = true;
            skip_entry(&content);
        }
        if !content.is_empty() && content.parse::<Token![,]>().is_err() {
            let (error, continues) = separator(&content, "the options of a loader");
            errors.add(error);
            args.broken = true;
            if !continues && !at_word(&content) {
                skip_entry(&content);
                let _: Option<Token![,]> = content.parse()?;
            }
        }
    }
    Ok(args)
}

fn argument(input: ParseStream<'_>, args: &mut Args) -> syn::Result<()> {
    let colon = input.peek2(Token![:]) && !input.peek2(Token![::]);
    if at_word(input) && (input.peek2(Token![=]) || colon) {
        let key = word(input)?;
        if colon {
            let error = input.error(format!(
                "an option of a loader is written with `=`: `{key} = …`"
            ));
            input.parse::<Token![:]>()?;
            // Skip the value too.
            let _ = input.parse::<Expr>();
            return Err(error);
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(
                key.span(),
                format!("`{key}` has no value; write `{key} = …`"),
            ));
        }
        let value = Some(value(input, &format!("{key} = …"))?);
        args.named.push(Named { key, value });
        return Ok(());
    }
    if let Some((TokenTree::Group(group), _)) = input.cursor().token_tree()
        && group.delimiter() == Delimiter::Brace
    {
        return Err(input.error("an option of a loader is written as `key = value`"));
    }
    let value = value(input, "\"…\"")?;
    match (&value, args.positional.is_empty()) {
        // The first argument is the name; a single word after it is a flag.
        (Expr::Path(path), false) if path.path.get_ident().is_some() => {
            if let Some(key) = path.path.get_ident() {
                args.named.push(Named {
                    key: key.clone(),
                    value: None,
                });
            }
        }
        _ => args.positional.push(value),
    }
    Ok(())
}
