//! Adds what a session means to `#[utoipa::path]`, which sees only tokens.
//!
//! An attribute above `#[session]` has already been expanded, so this works only below it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::parse::Parser as _;
use syn::{Attribute, Meta};

use super::expand::session_type;
use super::model::Handler;

/// The attributes of the outer function, with the responses of its session in that of utoipa.
pub(super) fn complete(
    handler: &Handler,
    private: &TokenStream,
    mode: &TokenStream,
    overrides: &TokenStream,
) -> Vec<TokenStream> {
    let attrs = handler.attrs.outer.clone();
    let session = handler.arguments.iter().find_map(session_type);
    // utoipa's items are not generic.
    let is_generic = !handler.signature.generics.params.is_empty();
    let (true, false, Some(session)) = (cfg!(feature = "utoipa"), is_generic, session) else {
        return attrs;
    };
    let responses = quote! {
        #private::SessionResponses<#private::SessionGuard<#session, #mode, #overrides>>
    };
    attrs
        .into_iter()
        .map(|attr| completed(&attr, &responses).unwrap_or(attr))
        .collect()
}

/// `None` for an attribute of another macro.
fn completed(attr: &TokenStream, responses: &TokenStream) -> Option<TokenStream> {
    let mut parsed = Attribute::parse_outer.parse2(attr.clone()).ok()?;
    let attribute = parsed.pop().filter(|_| parsed.is_empty())?;
    let names: Vec<_> = attribute
        .path()
        .segments
        .iter()
        .map(|one| one.ident.to_string())
        .collect();
    if names != ["utoipa", "path"] {
        return None;
    }
    let path = attribute.path();
    let arguments = match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(_) => return None,
    };
    let arguments = with_responses(arguments, responses);
    Some(quote!(#[#path(#arguments)]))
}

/// The arguments with these responses before all others, so that the user's own take their place.
fn with_responses(arguments: TokenStream, responses: &TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = arguments.into_iter().collect();
    let place = trees.windows(2).position(|pair| {
        matches!(pair, [TokenTree::Ident(name), TokenTree::Group(group)]
            if name == "responses" && group.delimiter() == Delimiter::Parenthesis)
    });
    if let Some(TokenTree::Group(group)) = place.and_then(|at| trees.get_mut(at + 1)) {
        let own = group.stream();
        let mut both = Group::new(Delimiter::Parenthesis, quote!(#responses, #own));
        both.set_span(group.span());
        *group = both;
        return trees.into_iter().collect();
    }
    let comma = match trees.last() {
        None => None,
        Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => None,
        Some(_) => Some(quote!(,)),
    };
    let mut arguments: TokenStream = trees.into_iter().collect();
    comma.to_tokens(&mut arguments);
    quote!(#arguments responses(#responses))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::completed;

    #[test]
    fn the_responses_come_first() {
        let responses = quote!(R<S>);
        let cases = [
            (
                quote!(#[utoipa::path]),
                quote!(#[utoipa::path(responses(R<S>))]),
            ),
            (
                quote!(#[::utoipa::path(get,)]),
                quote!(#[::utoipa::path(get, responses(R<S>))]),
            ),
            (
                quote!(#[utoipa::path(get)]),
                quote!(#[utoipa::path(get, responses(R<S>))]),
            ),
            (
                quote!(#[utoipa::path(get, responses((status = 200)), tag = "a")]),
                quote!(#[utoipa::path(get, responses(R<S>, (status = 200)), tag = "a")]),
            ),
        ];
        for (attr, expected) in cases {
            let completed = completed(&attr, &responses).map(|tokens| tokens.to_string());
            assert_eq!(completed, Some(expected.to_string()));
        }
        for other in [
            quote!(#[path(get)]),
            quote!(#[doc = "utoipa"]),
            quote!(#[other::path]),
        ] {
            assert!(completed(&other, &responses).is_none(), "{other}");
        }
    }
}
