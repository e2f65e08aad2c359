//! Small things that parsers and expansions share.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Lit, Path, Token, token};

/// The hidden module of the library, under the path that `crate` gave.
pub(crate) fn private(library: Option<&TokenStream>) -> TokenStream {
    library.map_or_else(
        || quote!(::connect_session::__private),
        |path| quote!(#path::__private),
    )
}

/// The same tokens, at one place for the compiler, which looks at the first and the last one: they
/// are punctuation or a group. An editor would explain every word that is there, so no word is.
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

/// The places of the first and the last token.
pub(crate) fn end_spans(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// A type of ours with arguments. Its punctuation alone is at the places of the first and the last
/// token of a type of the user's: that is where errors about the whole are shown, and an editor
/// explains the user's words and not ours.
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

/// The expression itself, where a macro by example passed it on in an invisible group.
pub(crate) fn peel(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}

/// A word; keywords are words too (`crate`), and `r#` says nothing.
pub(crate) fn word(input: ParseStream<'_>) -> syn::Result<Ident> {
    input.call(Ident::parse_any).map(|word| word.unraw())
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
    let begins = at_word(input) || input.peek(Lit);
    let fix = if begins {
        "write a `,` before this"
    } else {
        "this has no place here"
    };
    let error = input.error(format!("{what} are separated by commas; {fix}"));
    (error, false)
}

/// Whether an expression asks for what is there only when the program runs: it fails by `?`, waits
/// by `.await`, or reads the environment.
pub(crate) fn is_runtime_value(tokens: TokenStream) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Ident(word) if word == "await" => true,
        TokenTree::Ident(word) if word == "env" => {
            is_punct(tokens.get(at + 1), ':')
                && (is_word(tokens.get(at + 3), "var") || is_word(tokens.get(at + 3), "var_os"))
        }
        // A block may hold a function of its own.
        TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
            is_runtime_value(group.stream())
        }
        _ => false,
    })
}

/// What is said of such an expression.
pub(crate) const RUNTIME_VALUE: &str = "an option is a constant, and this is known only when the \
    program runs; set it before the first request: `Shop::configure(|options| …)?`";

/// A value, or what to write where there is none.
pub(crate) fn value(input: ParseStream<'_>, example: &str) -> syn::Result<Expr> {
    let start = input.span();
    input
        .parse()
        .map_err(|_| syn::Error::new(start, format!("this is no value; write `{example}`")))
}

/// Takes the rest of an entry that could not be read, up to the comma before the next one.
pub(crate) fn skip_entry(input: ParseStream<'_>) {
    skip_to(input, |_| false);
}

/// The same, where some words begin an entry whatever follows them.
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

/// Whether one of some words occurs, in groups too.
pub(crate) fn mentions(tokens: &TokenStream, word: impl Fn(&str) -> bool + Copy) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream(), word),
        TokenTree::Ident(found) => word(&found.to_string()),
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    })
}

/// The path of the library, which `crate` takes.
pub(crate) fn library(input: ParseStream<'_>) -> syn::Result<Path> {
    let start = input.span();
    input
        .call(Path::parse_mod_style)
        .map_err(|_| syn::Error::new(start, "this is no path, such as `::connect_session`"))
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
