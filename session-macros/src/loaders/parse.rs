//! Reads `[header("N"), bearer, cookie("N", path = "/x")]` without judging it.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use syn::parse::ParseStream;
use syn::{Expr, Token, bracketed, parenthesized, token};

use crate::errors::Errors;
use crate::tokens::{at_word, skip_entry, word};

/// A loader as written.
pub(crate) struct Raw {
    pub(crate) keyword: Ident,
    pub(crate) args: Option<Args>,
}

/// What stands between the parentheses of a loader.
pub(crate) struct Args {
    pub(crate) span: Span,
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<Named>,
    /// Something in it could not be read, which is reported already.
    pub(crate) broken: bool,
}

/// `key = value`, or `key` alone.
pub(crate) struct Named {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// The list of loaders, and the place of its brackets.
pub(crate) fn parse(
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<(Span, Vec<Raw>, bool)> {
    if !input.peek(token::Bracket) {
        return Err(input.error(
            "the loaders stand in brackets: `loaders: [header(\"X-User-Session\"), bearer]`",
        ));
    }
    let content;
    let brackets = bracketed!(content in input);
    let mut loaders = Vec::new();
    let mut broken = false;
    while !content.is_empty() {
        if at_word(&content) {
            let keyword = word(&content)?;
            let args = content
                .peek(token::Paren)
                .then(|| arguments(&content, errors))
                .transpose()?;
            loaders.push(Raw { keyword, args });
        } else {
            errors.add(content.error("a loader is a word, such as `header(\"X-User-Session\")`"));
            broken = true;
            skip_loader(&content);
        }
        if !content.is_empty() && content.parse::<Token![,]>().is_err() {
            errors.add(content.error("loaders are separated by commas"));
            broken = true;
            skip_loader(&content);
            let _: Option<Token![,]> = content.parse()?;
        }
    }
    Ok((brackets.span.join(), loaders, broken))
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
            errors.add(content.error("separate what a loader takes with commas"));
            args.broken = true;
            skip_entry(&content);
            let _: Option<Token![,]> = content.parse()?;
        }
    }
    Ok(args)
}

fn argument(input: ParseStream<'_>, args: &mut Args) -> syn::Result<()> {
    if at_word(input) && input.peek2(Token![=]) {
        let key = word(input)?;
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(
                key.span(),
                format!("`{key}` has no value; write `{key} = …`"),
            ));
        }
        let value = Some(input.parse()?);
        args.named.push(Named { key, value });
        return Ok(());
    }
    if let Some((TokenTree::Group(group), _)) = input.cursor().token_tree()
        && group.delimiter() == Delimiter::Brace
    {
        return Err(input.error("write what a loader takes as `key = value`"));
    }
    let value: Expr = input.parse()?;
    match (&value, args.positional.is_empty()) {
        // The first is the name; a lone word after it is a flag.
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
