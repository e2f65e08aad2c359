//! Helpers that parsers and expansions share.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Lit, Path, Token, token};

use crate::crate_name;
use crate::errors::Errors;

/// The hidden module of the library, under the path given with `crate`.
pub(crate) fn private(library: Option<&TokenStream>) -> TokenStream {
    let path = library.cloned().unwrap_or_else(crate_name::path);
    quote!(#path::__private)
}

/// Gives punctuation and groups another span, so that errors point there. The compiler uses the
/// spans of the first and the last token, which must therefore not be words. Words keep their
/// spans, because an editor would show their documentation there.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if matches!(token, TokenTree::Punct(_) | TokenTree::Group(_)) {
                token.set_span(span);
            }
            token
        })
        .collect()
}

/// Gives all tokens another span.
pub(crate) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let located = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    located.collect()
}

/// The spans of the first and the last token.
pub(crate) fn end_spans(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// A generic type of the library with arguments. Its punctuation has the spans of the first and the
/// last token of the user's type: errors about the whole type point there, and an editor documents
/// the user's words and not the library's.
pub(crate) fn wrap_generic(
    outer: &TokenStream,
    arguments: &TokenStream,
    first: Span,
    last: Span,
) -> TokenStream {
    let outer = respan(outer.clone(), first);
    let (open, close) = (quote_spanned!(first=> <), quote_spanned!(last=> >));
    quote!(#outer #open #arguments #close)
}

/// Removes the invisible groups that `macro_rules!` puts around an expression.
pub(crate) fn peel(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}

/// Parses a word, without its `r#`. Keywords such as `crate` are words too.
pub(crate) fn word(input: ParseStream<'_>) -> syn::Result<Ident> {
    input.call(Ident::parse_any).map(|word| word.unraw())
}

/// Whether a word comes next.
pub(crate) fn at_word(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any)
}

/// The error for a token that should be a comma, and whether the next entry can follow it.
pub(crate) fn separator(input: ParseStream<'_>, what: &str) -> (syn::Error, bool) {
    if input.peek(Token![;]) {
        let error = input.error(format!(
            "{what} are separated by commas; write `,` instead of `;`"
        ));
        let _ = input.parse::<Token![;]>();
        return (error, true);
    }
    let begins = at_word(input) || input.peek(Lit);
    let fix = if begins {
        "write a `,` before this"
    } else {
        "leave this out"
    };
    let error = input.error(format!("{what} are separated by commas; {fix}"));
    (error, false)
}

/// Whether the value of an expression is known only at run time: it uses `?` or `.await`, or reads
/// the environment.
pub(crate) fn is_runtime_value(tokens: TokenStream) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Ident(word) if word == "await" => true,
        TokenTree::Ident(word) if word == "env" => {
            is_punct(tokens.get(at + 1), ':')
                && (is_word(tokens.get(at + 3), "var") || is_word(tokens.get(at + 3), "var_os"))
        }
        // A block may contain a function, in which all of this is allowed.
        TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
            is_runtime_value(group.stream())
        }
        _ => false,
    })
}

/// The message for such an expression.
pub(crate) const RUNTIME_VALUE: &str = "an option must be a constant, but this is known only at run \
    time; set it before the first request: `Shop::configure(|options| …)?`";

/// Parses a value. The error message contains the example.
pub(crate) fn value(input: ParseStream<'_>, example: &str) -> syn::Result<Expr> {
    let start = input.span();
    input
        .parse()
        .map_err(|_| syn::Error::new(start, format!("this is not a value; write `{example}`")))
}

/// Skips the rest of an entry that could not be parsed, up to the comma before the next one.
pub(crate) fn skip_entry(input: ParseStream<'_>) {
    skip_to(input, |_| false);
}

/// Like [`skip_entry`], but words for which `begins` is true always begin an entry.
pub(crate) fn skip_to(input: ParseStream<'_>, begins: impl Fn(&str) -> bool) {
    while !input.is_empty() {
        if input.peek(Token![,]) && next_is_entry(input, &begins) {
            return;
        }
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// Whether what follows the comma looks like an entry, not like the rest of a value.
fn next_is_entry(input: ParseStream<'_>, begins: impl Fn(&str) -> bool) -> bool {
    let ahead = input.fork();
    if ahead.parse::<Token![,]>().is_err() {
        return false;
    }
    if ahead.is_empty()
        || ahead.peek(Token![#])
        || ahead.peek(Token![pub])
        || ahead.peek(Token![,])
        || ahead.peek(Token![..])
    {
        return true;
    }
    if ahead.parse::<syn::LitStr>().is_ok() {
        return ahead.peek(Token![:]);
    }
    let Ok(word) = ahead.call(word) else {
        return false;
    };
    begins(&word.to_string())
        || ahead.is_empty()
        || ahead.peek(Token![,])
        || ahead.peek(Token![=])
        || ahead.peek(Token![->])
        || ahead.peek(token::Paren)
        || (ahead.peek(Token![:]) && !ahead.peek(Token![::]))
}

/// Collects all literals, also those in groups.
pub(crate) fn literals(tokens: TokenStream, found: &mut Vec<proc_macro2::Literal>) {
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => found.push(literal),
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Whether a word for which `word` is true occurs, also in groups.
pub(crate) fn mentions(tokens: &TokenStream, word: impl Fn(&str) -> bool + Copy) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream(), word),
        TokenTree::Ident(found) => word(&found.to_string()),
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    })
}

/// Reports and drops attributes before an element of a list, such as a `cfg`.
pub(crate) fn report_attributes(input: ParseStream<'_>, element: &str, errors: &mut Errors) {
    for attr in errors
        .take(input.call(Attribute::parse_outer))
        .unwrap_or_default()
    {
        let fix = if attr.path().is_ident("cfg") {
            "write two configs, each under its own `#[cfg(…)]`"
        } else {
            "leave this out"
        };
        errors.spanning(&attr, format!("{element} cannot have attributes; {fix}"));
    }
}

/// Parses the path of the library, the value of `crate`.
pub(crate) fn library(input: ParseStream<'_>) -> syn::Result<Path> {
    let start = input.span();
    input.call(Path::parse_mod_style).map_err(|_| {
        syn::Error::new(
            start,
            "this is not a path; write one such as `::connect_session`",
        )
    })
}

/// Whether a token is this punctuation.
pub(crate) fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Whether a token is this word.
pub(crate) fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

/// The group, if a token is one with this delimiter.
pub(crate) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}
