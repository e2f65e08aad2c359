//! Small things that parsers and expansions share.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Token, token};

/// The hidden module of the library, under the path that `crate` gave.
pub(crate) fn private(library: Option<&TokenStream>) -> TokenStream {
    library.map_or_else(
        || quote!(::connect_session::__private),
        |path| quote!(#path::__private),
    )
}

/// The same tokens, all of them at one place. A const evaluation error is shown at the call only
/// if every token of the call is there.
pub(crate) fn respan(tokens: impl ToTokens, span: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut moved = Group::new(group.delimiter(), respan(group.stream(), span));
                moved.set_span(span);
                TokenTree::Group(moved)
            }
            mut other => {
                other.set_span(span);
                other
            }
        })
        .collect()
}

/// The same tokens, the beginning of them at a place: one word, or the `::` before it.
pub(crate) fn starting_at(tokens: TokenStream, span: Span) -> TokenStream {
    let mut beginning = true;
    tokens
        .into_iter()
        .enumerate()
        .map(|(index, mut token)| {
            beginning = beginning && (index == 0 || is_punct(Some(&token), ':'));
            if beginning {
                token.set_span(span);
            }
            token
        })
        .collect()
}

/// The places of the first and the last token.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// The same tokens, their punctuation at a place.
pub(crate) fn punctuated_at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Punct(punct) = &mut token {
                punct.set_span(span);
            }
            token
        })
        .collect()
}

/// The expression itself, where a macro by example passed it on in an invisible group.
pub(crate) fn peel(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}

/// A word; keywords are words too (`crate`).
pub(crate) fn word(input: ParseStream<'_>) -> syn::Result<Ident> {
    input.call(Ident::parse_any)
}

/// Whether a word comes next.
pub(crate) fn at_word(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any)
}

/// What is said of a token that should be a comma, and whether the next entry may follow it.
pub(crate) fn separator(input: ParseStream<'_>, what: &str) -> (syn::Error, bool) {
    if input.peek(Token![;]) {
        let error = input.error(format!("{what} are separated by commas; write `,` for `;`"));
        let _ = input.parse::<Token![;]>();
        return (error, true);
    }
    let error = input.error(format!(
        "{what} are separated by commas; write a `,` before this"
    ));
    (error, false)
}

/// A value, or what to write where there is none.
pub(crate) fn value(input: ParseStream<'_>, example: &str) -> syn::Result<Expr> {
    let start = input.span();
    input
        .parse()
        .map_err(|_| syn::Error::new(start, format!("this is no value; write `{example}`")))
}

/// Takes the rest of an entry that could not be read, up to the comma before the next one.
pub(crate) fn skip_entry(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.peek(Token![,]) && next_is_entry(input) {
            return;
        }
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// Whether what follows the comma looks like an entry, not like the rest of a value.
fn next_is_entry(input: ParseStream<'_>) -> bool {
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
    if ahead.call(Ident::parse_any).is_err() {
        return false;
    }
    ahead.is_empty()
        || ahead.peek(Token![,])
        || ahead.peek(Token![=])
        || ahead.peek(Token![->])
        || ahead.peek(token::Paren)
        || (ahead.peek(Token![:]) && !ahead.peek(Token![::]))
}

/// Every literal, in groups too.
pub(crate) fn literals(tokens: TokenStream, found: &mut Vec<proc_macro2::Literal>) {
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => found.push(literal),
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
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
