//! Shares the attributes of a handler out between the function that the user wrote and the one
//! that a framework sees.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, Meta};

use super::model::Attrs;
use crate::errors::Errors;

/// Attributes that look at a body and its arguments as the user wrote them.
const BODY_ATTRIBUTES: &[&str] = &["instrument"];

/// Lint levels hold for both functions.
const LEVELS: &[&str] = &["allow", "warn", "deny", "forbid"];

pub(super) fn split(written: Vec<Attribute>, errors: &mut Errors) -> Attrs {
    let mut attrs = Attrs::default();
    for attr in written {
        let name = name(&attr);
        if name == "session" {
            errors.at(
                attr.path()
                    .segments
                    .last()
                    .map_or_else(|| attr.pound_token.span, |segment| segment.ident.span()),
                "the handler has `#[session]` twice; leave one out",
            );
        } else if name == "expect" {
            expectation(attr, &mut attrs);
        } else if LEVELS.contains(&name.as_str()) {
            attrs.outer.push(attr.to_token_stream());
            attrs.inner.push(attr);
        } else if BODY_ATTRIBUTES.contains(&name.as_str()) {
            attrs.inner.push(attr);
        } else {
            if name == "cfg" {
                attrs.cfgs.push(attr.clone());
            }
            attrs.outer.push(attr.to_token_stream());
        }
    }
    attrs
}

/// The last word of an attribute's path; of a conditional one, that of the attribute it holds.
fn name(attr: &Attribute) -> String {
    let last = |path: &syn::Path| {
        path.segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default()
    };
    if attr.path().is_ident("cfg_attr")
        && let Meta::List(list) = &attr.meta
        && let Ok(parts) = list
            .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
        && let (Some(held), 2) = (parts.last(), parts.len())
        && BODY_ATTRIBUTES.contains(&last(held.path()).as_str())
    {
        return last(held.path());
    }
    last(attr.path())
}

/// An expectation is met by one of the two functions, and the other one must not warn: the inner
/// one has the body and the signature, the outer one is the one that may be unused.
fn expectation(attr: Attribute, attrs: &mut Attrs) {
    let Meta::List(list) = &attr.meta else {
        attrs.outer.push(attr.to_token_stream());
        return;
    };
    let lints = &list.tokens;
    let about_the_item = lints.clone().into_iter().any(|token| {
        let word = token.to_string();
        word == "dead_code" || word == "unused"
    });
    if about_the_item {
        attrs.outer.push(attr.to_token_stream());
    } else {
        attrs.outer.push(allow(lints));
        attrs.inner.push(attr);
    }
}

fn allow(lints: &TokenStream) -> TokenStream {
    quote!(#[allow(#lints)])
}
