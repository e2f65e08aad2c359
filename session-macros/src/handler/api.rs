//! `#[session]` above poem-openapi's `#[OpenApi]`: expands the methods with `#[session(…)]`.
//!
//! `#[OpenApi]` reads the types of the arguments and of the return value, so they must be those of the guard and the
//! reply before it expands. The user's methods go into a second `impl`, where `self` and `Self` mean the same.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Pat, Receiver, parse2};

use super::check;
use super::expand::{self, Expanded};
use super::function::{self, Function};
use super::model::{Handler, Role};
use super::options;
use crate::crate_name;
use crate::errors::Errors;
use crate::tokens::{group, is_punct};

/// Whether this is an item with the attribute `#[OpenApi]`.
pub(super) fn is_api(item: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let attributes = tokens
        .chunks(2)
        .map_while(|pair| match pair {
            [hash, attribute] if is_punct(Some(hash), '#') => {
                group(Some(attribute), Delimiter::Bracket)
            }
            _ => None,
        })
        .map(Group::stream);
    attributes
        .filter_map(|tokens| parse2::<Meta>(tokens).ok())
        .any(|meta| is_named(&meta, "OpenApi"))
}

fn is_named(meta: &Meta, name: &str) -> bool {
    let last = meta.path().segments.last();
    last.is_some_and(|segment| segment.ident == name)
}

/// Returns the expansion and all errors.
pub(super) fn expand(item: TokenStream, mut errors: Errors) -> TokenStream {
    if !cfg!(feature = "poem-openapi") {
        errors.at(
            Span::call_site(),
            "`#[session]` above `#[OpenApi]` needs the feature `poem-openapi` of `connect-session`; add it in the \
             Cargo.toml",
        );
        return [item, errors.into_tokens()].into_iter().collect();
    }
    let mut api = match parse2::<ItemImpl>(item.clone()) {
        Ok(api) => api,
        Err(error) => {
            errors.add(error);
            return [item, errors.into_tokens()].into_iter().collect();
        }
    };
    let (mut beside, mut methods) = (TokenStream::new(), TokenStream::new());
    for item in &mut api.items {
        if let ImplItem::Fn(method) = item
            && let Some(expanded) = expand_method(method, &mut errors)
        {
            beside.extend(expanded.beside);
            methods.extend(expanded.method);
            *item = ImplItem::Verbatim(expanded.outer);
        }
    }
    let ItemImpl {
        generics, self_ty, ..
    } = &api;
    let (parameters, _, where_clause) = generics.split_for_impl();
    let conditions = api.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let items = quote! {
        #beside
        #api
        #(#conditions)*
        impl #parameters #self_ty #where_clause { #methods }
    };
    let errors = errors.into_tokens();
    if beside.is_empty() {
        return quote!(#items #errors);
    }
    // Methods of other types may have the same name.
    quote!(const _: () = { #items }; #errors)
}

/// `None` for a method without the attribute, and for one that cannot be expanded, which loses it.
fn expand_method(method: &mut ImplItemFn, errors: &mut Errors) -> Option<Expanded> {
    let is_session = |attr: &Attribute| is_named(&attr.meta, "session");
    let at = method.attrs.iter().position(is_session)?;
    let Some(FnArg::Receiver(receiver)) = method.sig.inputs.first().cloned() else {
        // A function without `self` expands like every handler, and `#[OpenApi]` reports it.
        return None;
    };
    let attr = method.attrs.remove(at);
    let written = match attr.meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    let parse = |stream: ParseStream<'_>| Ok(options::parse(stream, errors));
    let parsed = parse.parse2(written);
    let options = errors.take(parsed).unwrap_or_default();
    let example = "#[session(…, crate = that_crate::connect_session)]";
    if crate_name::report_missing(options.library.as_ref(), example, errors) {
        return None;
    }
    let mut signature = method.sig.clone();
    signature.inputs = signature.inputs.into_iter().skip(1).collect();
    function::qualifiers(&mut signature, errors);
    let function = Function {
        attrs: method.attrs.clone(),
        visibility: method.vis.clone(),
        signature,
        body: body(method),
    };
    let handler = check::check(options, function, errors)?;
    Some(expand::expand(with_receiver(handler, receiver), false))
}

/// The body in its braces.
fn body(method: &ImplItemFn) -> Group {
    let block = &method.block;
    match quote!(#block).into_iter().next() {
        Some(TokenTree::Group(body)) => body,
        _ => Group::new(Delimiter::Brace, TokenStream::new()),
    }
}

fn with_receiver(mut handler: Handler, receiver: Receiver) -> Handler {
    for (argument, input) in handler.arguments.iter_mut().zip(&handler.signature.inputs) {
        // poem-openapi documents a parameter under the name in its pattern, as in `Path(id): Path<u64>`.
        if let (Role::Other, FnArg::Typed(input)) = (&argument.role, input)
            && let Pat::TupleStruct(pattern) = &*input.pat
            && let (Some(Pat::Ident(name)), 1) = (pattern.elems.first(), pattern.elems.len())
        {
            argument.name = name.ident.clone();
        }
    }
    let inputs = std::mem::take(&mut handler.signature.inputs);
    let inputs = std::iter::once(FnArg::Receiver(receiver.clone())).chain(inputs);
    handler.signature.inputs = inputs.collect();
    handler.receiver = Some(receiver);
    handler
}
