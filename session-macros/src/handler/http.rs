//! Handlers of plain `http`, without a framework.

use quote::{quote, quote_spanned};
use syn::ReturnType;

use super::expand::{OuterParts, Parts, parameter, session_type};
use super::model::Argument;
use crate::tokens::mentions;

impl Parts<'_> {
    /// Without a framework, the head comes from the request argument. The future that opens the
    /// session does not borrow the request, so that the body need not be `Sync`.
    pub(super) fn http(&self, request: &Argument) -> OuterParts {
        let Self {
            handler,
            private,
            mode,
            overrides,
            ..
        } = self;
        let place = self.place;
        let request = self.name_inside(request);
        let parameters = handler
            .arguments
            .iter()
            .filter(|argument| session_type(argument).is_none())
            .map(parameter)
            .collect();
        // Where the type can be named, the error for a type that is not a response points at it.
        let returned = match &handler.signature.output {
            ReturnType::Type(_, ty) if !mentions(&quote!(#ty), |word| word == "impl") => {
                Some(quote_spanned!(place=> ::<#ty>))
            }
            _ => None,
        };
        let opened = handler
            .arguments
            .iter()
            .filter_map(|argument| Some((argument, session_type(argument)?)))
            .map(|(argument, ty)| {
                let split = self.split(argument, &quote_spanned!(place=> __guard));
                quote_spanned! {place=>
                    let __opening =
                        #private::http::open::<#ty, #mode, #overrides, _>(&mut #request);
                    let __guard = match __opening.await {
                        ::core::result::Result::Ok(guard) => guard,
                        ::core::result::Result::Err(refused) => {
                            return (__replies.refuse)(refused);
                        }
                    };
                    #split
                }
            });
        let output = &handler.signature.output;
        let run = self.run();
        let reply = self.reply(&quote_spanned!(place=> #private::reply_http(
            __value,
            __failed,
            __committer,
            __replies.status
        )));
        let statements = quote_spanned! {place=>
            let __replies = #private::http::replies #returned();
            let mut #request = #request;
            #(#opened)*
            #run
            (__replies.finish)(#reply)
        };
        (parameters, quote!(#output), statements)
    }
}
