//! Parses a handler, and reports items that are not handlers. The body is kept unparsed.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, FnArg, Safety, Signature, Token, Visibility};

use crate::errors::Errors;
use crate::tokens::is_word;

/// A function as written.
pub(super) struct Function {
    pub(super) attrs: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
    pub(super) body: Group,
}

const ITEMS: &[&str] = &[
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "const",
    "static",
    "type",
    "use",
    "extern",
    "macro_rules",
];

/// Returns the function, or reports why the item cannot be a handler.
pub(super) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Function> {
    let mut function = match read.parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.add(match classify_failure(item) {
                // The compiler reports the same error, unless it knows newer syntax than `syn`.
                ParseFailure::Syntax => error,
                ParseFailure::OtherItem(place) => syn::Error::new(
                    place,
                    "`#[session]` only works on a handler, which is a free `async fn` with a body",
                ),
            });
            return None;
        }
    };
    qualifiers(&mut function.signature, errors);
    check_self(&function, errors).then_some(function)
}

fn read(input: ParseStream<'_>) -> syn::Result<Function> {
    let attrs = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    let signature = input.parse()?;
    let body = match input.parse()? {
        TokenTree::Group(body) => unwrapped(body),
        other => {
            return Err(syn::Error::new(
                other.span(),
                "the body of a function goes in braces",
            ));
        }
    };
    if body.delimiter() != Delimiter::Brace {
        return Err(syn::Error::new(
            body.span(),
            "the body of a function goes in braces",
        ));
    }
    Ok(Function {
        attrs,
        visibility,
        signature,
        body,
    })
}

/// The braces inside the invisible group that `macro_rules!` puts around a `$body:block`.
fn unwrapped(body: Group) -> Group {
    let mut inside = body.stream().into_iter();
    match (body.delimiter(), inside.next(), inside.next()) {
        (Delimiter::None, Some(TokenTree::Group(only)), None) => unwrapped(only),
        _ => body,
    }
}

/// Why an item is not a handler.
enum ParseFailure {
    /// It is another item, with this keyword.
    OtherItem(Span),
    /// It is a function with a syntax error.
    Syntax,
}

fn classify_failure(item: TokenStream) -> ParseFailure {
    let mut tokens = item.into_iter().peekable();
    let first = tokens.peek().map_or_else(Span::call_site, TokenTree::span);
    let mut named = None;
    while let Some(token) = tokens.next() {
        if is_word(Some(&token), "fn") && named.is_none() {
            return match tokens.last() {
                Some(TokenTree::Group(body))
                    if unwrapped(body.clone()).delimiter() == Delimiter::Brace =>
                {
                    ParseFailure::Syntax
                }
                _ => ParseFailure::OtherItem(token.span()),
            };
        }
        if let TokenTree::Ident(word) = &token
            && ITEMS.contains(&word.to_string().as_str())
        {
            named.get_or_insert(token.span());
        }
    }
    ParseFailure::OtherItem(named.unwrap_or(first))
}

/// Reports a missing `async` and adds it; reports all other qualifiers and removes them.
pub(super) fn qualifiers(signature: &mut Signature, errors: &mut Errors) {
    if signature.asyncness.is_none() {
        errors.at(
            signature.fn_token.span,
            "a handler with a session must be async, so that the session can be loaded and committed; \
             write `async fn`",
        );
        signature.asyncness = Some(Token![async](Span::call_site()));
    }
    if let Some(constness) = signature.constness.take() {
        errors.spanning(constness, "a handler cannot be `const`; leave it out");
    }
    match std::mem::replace(&mut signature.safety, Safety::Default) {
        Safety::Unsafe(token) => errors.spanning(
            token,
            "a handler cannot be `unsafe`, because the framework calls it; write `unsafe { … }` in \
             the body",
        ),
        Safety::Safe(token) => {
            errors.spanning(token, "a handler cannot be `safe`; leave it out");
        }
        Safety::Default => {}
    }
    if let Some(abi) = signature.abi.take() {
        errors.spanning(
            abi,
            "a handler cannot be `extern`, because the framework calls it; leave it out",
        );
    }
    if let Some(variadic) = signature.variadic.take() {
        errors.spanning(
            variadic,
            "a handler cannot have a variable number of arguments; leave `...` out",
        );
    }
}

/// Reports `self` and `Self`, which do not exist in the inner function that the body moves into.
/// Returns whether there is neither.
fn check_self(function: &Function, errors: &mut Errors) -> bool {
    if let Some(FnArg::Receiver(receiver)) = function.signature.inputs.first() {
        errors.at(
            receiver.self_token.span,
            "a handler takes no `self`; write it without `self`, which works in an `impl` too, and take \
             the state as an argument, such as axum's `State`; or let the method call a function with \
             `#[session(…, http)]`; in an `impl` with poem-openapi's `#[OpenApi]`, write `#[session]` above that",
        );
        return false;
    }
    let mut found = None;
    self_type(
        quote::ToTokens::to_token_stream(&function.signature),
        &mut found,
    );
    let body = function.body.stream();
    // A type that is declared in the body has its own `Self`.
    if !declares_types(body.clone()) {
        self_type(body, &mut found);
    }
    if let Some(place) = found {
        errors.at(
            place.span(),
            "`Self` does not exist in a handler, which is a free function; write the type's name",
        );
        return false;
    }
    true
}

fn self_type(tokens: TokenStream, found: &mut Option<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "Self" && found.is_none() => *found = Some(word),
            TokenTree::Group(group) => self_type(group.stream(), found),
            _ => {}
        }
    }
}

fn declares_types(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => {
            let word = word.to_string();
            ["impl", "struct", "enum", "trait", "union", "macro_rules"].contains(&word.as_str())
        }
        TokenTree::Group(group) => declares_types(group.stream()),
        _ => false,
    })
}
