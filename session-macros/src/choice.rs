//! Options whose value is one of several words.

use proc_macro2::{Delimiter, Ident, TokenTree};
use syn::Token;
use syn::parse::ParseStream;

use crate::errors::Errors;
use crate::suggest::hint;
use crate::tokens::word;

/// A word, and the enum variant that it stands for.
pub(crate) struct Choice {
    pub(crate) written: Ident,
    pub(crate) variant: &'static str,
}

/// Each word with its variant.
pub(crate) type Variants = &'static [(&'static str, &'static str)];

pub(crate) const EMIT: Variants = &[("header", "Header"), ("cookie", "Cookie")];

pub(crate) const ON_UNDECODABLE: Variants = &[("reject", "Reject"), ("replace", "Replace")];

/// There is a word only for the exception; a handler without it gets the default.
pub(crate) const CACHE: Variants = &[("shared", "Shared")];

/// Parses one word, or several such as `header | cookie` and `[header, cookie]`, which [`choose`]
/// reports.
pub(crate) fn words(input: ParseStream<'_>, key: &Ident) -> syn::Result<Vec<Ident>> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        return Err(syn::Error::new(
            text.span(),
            format!("`{key}` takes a word without quotes: `{}`", text.value()),
        ));
    }
    if let Some((TokenTree::Group(group), _)) = input.cursor().token_tree()
        && group.delimiter() != Delimiter::None
    {
        input.parse::<TokenTree>()?;
        let words: Vec<_> = group
            .stream()
            .into_iter()
            .filter_map(|token| match token {
                TokenTree::Ident(word) => Some(word),
                _ => None,
            })
            .collect();
        if words.is_empty() {
            return Err(syn::Error::new(
                group.span(),
                format!("`{key}` takes one word"),
            ));
        }
        return Ok(words);
    }
    let start = input.span();
    let first =
        word(input).map_err(|_| syn::Error::new(start, format!("`{key}` takes one word")))?;
    if input.peek(Token![::]) {
        let mut last = first;
        while input.parse::<Option<Token![::]>>()?.is_some() {
            last = word(input)?;
        }
        return Err(syn::Error::new(
            start,
            format!(
                "`{key}` takes a word without a path: `{}`",
                snake(&last.to_string())
            ),
        ));
    }
    let mut words = vec![first];
    while input.peek(Token![|]) || input.peek(Token![+]) || input.peek(Token![&]) {
        input.parse::<TokenTree>()?;
        words.push(word(input)?);
    }
    Ok(words)
}

/// `last_wins` for `LastWins`.
pub(crate) fn snake(word: &str) -> String {
    let mut snake = String::new();
    for character in word.chars() {
        if character.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

/// Returns the variant of the word. Reports an unknown word, and several words.
pub(crate) fn choose(
    key: &Ident,
    words: &[Ident],
    variants: Variants,
    errors: &mut Errors,
) -> Option<Choice> {
    let (word, others) = words.split_first()?;
    if let Some(second) = others.first() {
        let message = if key == "emit" {
            "a sid is sent in one place only (ASVS 3.3.4); write `header` or `cookie`".to_owned()
        } else {
            format!("`{key}` takes one word; leave this out")
        };
        errors.at(second.span(), message);
        return None;
    }
    let written = word.to_string();
    let variant = variants.iter().find(|(known, _)| *known == written);
    if variant.is_none() {
        let known: Vec<_> = variants.iter().map(|(known, _)| *known).collect();
        let fix = if key == "emit" && ["bearer", "query", "path", "custom"].contains(&&*written) {
            format!("; a sid from `{written}` is sent back in a header: write `header`")
        } else {
            hint(&written, &known)
        };
        errors.at(word.span(), format!("`{key}` cannot be `{written}`{fix}"));
    }
    variant.map(|(_, variant)| Choice {
        written: word.clone(),
        variant,
    })
}
