//! The expansion of a handler to a function that returns a boxed future, which makes a build after an edit faster.
//! `framework/axum/boxed.rs` of the runtime explains why.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ReturnType;

use super::expand::{Parts, wrapped};
use super::expectations::result;
use super::model::Handler;
use super::returned;
use crate::tokens::{group, is_punct, is_word};

/// Whether to box the handlers that can be boxed: in a debug build of an application on axum. Cargo compiles macros with the
/// debug assertions of the application's profile.
pub(crate) const BOXES_HANDLERS: bool = cfg!(all(
    debug_assertions,
    feature = "axum",
    not(any(
        feature = "actix-web",
        feature = "poem",
        feature = "rocket",
        feature = "salvo"
    ))
));

/// Attributes that mean the same for a function that is not `async`.
const BUILT_IN: &[&str] = &[
    "allow",
    "cfg",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "must_use",
    "warn",
];

/// Whether a handler can be boxed: no other macro sees the function, and its types are fully written in its signature.
pub(super) fn is_possible(handler: &Handler) -> bool {
    let signature = &handler.signature;
    let arguments = (handler.arguments.iter()).map(|argument| &argument.ty);
    let output = &signature.output;
    !handler.has_errors
        && !handler.shared
        && !handler.http
        && handler.request.is_none()
        && handler.receiver.is_none()
        && signature.generics.params.is_empty()
        && !depends_on_caller(quote!(#(#arguments,)* #output))
        && handler.attrs.outer.iter().cloned().all(is_built_in)
}

fn is_built_in(attribute: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    let inside = group(tokens.get(1), Delimiter::Bracket).map(Group::stream);
    let name = inside.and_then(|tokens| tokens.into_iter().next());
    BUILT_IN.iter().any(|word| is_word(name.as_ref(), word))
}

/// Whether these types have a lifetime other than `'static`, an `impl Trait`, a trait object, which may not be `Send`, or a
/// macro or `!`, about which nothing is expected.
fn depends_on_caller(types: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = types.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => depends_on_caller(group.stream()),
        TokenTree::Punct(punct) => match punct.as_char() {
            '\'' => !is_word(tokens.get(at + 1), "static"),
            '&' => !is_punct(tokens.get(at + 1), '\''),
            '!' => true,
            _ => false,
        },
        TokenTree::Ident(word) => word == "impl" || word == "dyn",
        TokenTree::Literal(_) => false,
    })
}

impl Parts<'_> {
    /// The boxed future that the function returns.
    pub(super) fn boxed_reply(&self) -> TokenStream {
        let Self { private, place, .. } = *self;
        let module = quote_spanned!(place=> boxed);
        let handler = self.sendable(&module, &self.call());
        let steps = returned::steps(self.handler, private);
        let respond = quote_spanned!(place=> #private::#module::respond::);
        let inferred = quote_spanned!(place=> _);
        // An error about the value points at its type. `expected_return` checks the parts of a written `Result`; the probe
        // makes sure that it is the standard library's.
        let (respond, probe) = match &self.handler.signature.output {
            ReturnType::Default => (quote_spanned!(place=> #respond<#inferred>), None),
            ReturnType::Type(_, ty) => {
                let probe = result(ty).map(|(value, error)| {
                    quote_spanned!(place=> ::<::core::result::Result<#value, #error>>)
                });
                (wrapped(&respond, ty, &inferred), probe)
            }
        };
        quote_spanned! {place=>
            let __handler = #handler;
            let __convert = {
                #[allow(unused_imports)]
                use #private::{ViaAxum as _, ViaNothing as _};
                (&#private::Probe #probe ::of_output(&__handler)).via_axum()
            };
            #respond(__handler, __committer, #steps, __convert)
        }
    }
}
