//! Options that a handler overrides, as a type next to the handler.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::forwarding;
use super::model::Handler;
use crate::loaders;

/// The type that carries the overrides, and the item that declares it. Without overrides there is
/// no item, because an enum is not allowed in an `impl`.
pub(super) fn expand(handler: &Handler, private: &TokenStream) -> (TokenStream, TokenStream) {
    let may_forward = forwarding::may_forward(handler);
    let inherits = handler.loaders.is_empty()
        && handler.emit.is_none()
        && handler.on_undecodable.is_none()
        && handler.login.is_empty();
    if inherits {
        let place = handler.place();
        let inherit = if may_forward {
            quote_spanned!(place=> #private::InheritForwarding)
        } else {
            quote_spanned!(place=> #private::Inherit)
        };
        return (inherit, TokenStream::new());
    }
    let name = format_ident!(
        "__SessionOverrides_{}",
        handler.signature.ident.unraw(),
        span = handler.place()
    );
    let cfgs = &handler.attrs.cfgs;
    let visibility = &handler.visibility;
    let forwards = may_forward.then(|| {
        quote!(
            const MAY_FORWARD: bool = true;
        )
    });
    let choices = [
        ("EMIT", "Emit", &handler.emit),
        ("ON_UNDECODABLE", "OnUndecodable", &handler.on_undecodable),
    ];
    let choices = choices.into_iter().filter_map(|(constant, ty, choice)| {
        let ident = |name| Ident::new(name, Span::call_site());
        let (constant, ty, variant) = (ident(constant), ident(ty), ident(choice.as_ref()?.variant));
        Some(quote! {
            const #constant: ::core::option::Option<#private::#ty> =
                ::core::option::Option::Some(#private::#ty::#variant);
        })
    });
    let login = handler.login.overrides();
    let override_loaders = (!handler.loaders.is_empty()).then(|| {
        let loaders = loaders::expand(&handler.loaders, private);
        quote! {
            fn loaders() -> ::core::option::Option<&'static #private::LoaderSet> {
                static LOADERS: ::std::sync::LazyLock<#private::LoaderSet> =
                    ::std::sync::LazyLock::new(|| #private::LoaderSet::new(#loaders));
                ::core::option::Option::Some(&LOADERS)
            }
        }
    });
    let item = quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(
            non_camel_case_types,
            dead_code,
            unreachable_pub,
            unnameable_types,
            missing_debug_implementations,
            missing_copy_implementations
        )]
        #visibility enum #name {}

        #(#cfgs)*
        impl #private::Overrides for #name {
            #forwards
            #(#choices)*
            #login
            #override_loaders
        }
    };
    (quote!(#name), item)
}
