//! Splits the attributes of a handler between the function that the user wrote and the one that the
//! framework sees.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, Meta};

use super::model::Attrs;
use crate::errors::Errors;

/// Attributes that need the body and the arguments as the user wrote them.
const BODY_ATTRIBUTES: &[&str] = &["instrument"];

/// Lint levels apply to both functions.
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

/// The last segment of an attribute's path. For a `cfg_attr` with one of [`BODY_ATTRIBUTES`], that
/// of the inner attribute.
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
        && let (Some(inner), 2) = (parts.last(), parts.len())
        && BODY_ATTRIBUTES.contains(&last(inner.path()).as_str())
    {
        return last(inner.path());
    }
    last(attr.path())
}

/// Puts `#[expect]` on the function in which its lint fires: the outer one may be unused, the inner
/// one has the body. In the second case the outer one gets an `#[allow]`, so that it does not warn.
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
