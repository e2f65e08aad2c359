//! Expands a handler to the function that the framework sees, with the user's function inside it.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{GenericParam, ReturnType, Signature, Type};

use super::model::{Argument, Handler, Mode, Role};
use super::{args, boxed, login, overrides, returned, utoipa};
use crate::hoist::Hoist;
use crate::loaders::{self, rule_named};
use crate::tokens::{end_spans, located, private, respan, wrap_generic};

/// The items of an expanded handler.
pub(super) struct Expanded {
    /// What the outer function needs next to it.
    pub(super) beside: TokenStream,
    /// The function that the framework sees.
    pub(super) outer: TokenStream,
    /// The user's function, if it is a method. Otherwise the outer function contains it.
    pub(super) method: Option<TokenStream>,
}

impl Expanded {
    /// The items of a handler that is no method.
    pub(super) fn into_tokens(self) -> TokenStream {
        let Self { beside, outer, .. } = self;
        quote!(#beside #outer)
    }
}

/// If `may_box`, the handler becomes a function that returns a boxed future, if it can be one; see `boxed.rs`.
pub(super) fn expand(mut handler: Handler, may_box: bool) -> Expanded {
    let cfgs = &handler.attrs.cfgs;
    let name = handler.signature.ident.unraw().to_string();
    let mut hoist = Hoist::new(&name, quote!(#(#cfgs)*));
    let place = handler.place();
    let private = located(private(handler.library.as_ref()), place);
    loaders::hoist(&mut handler.loaders, &private, &mut hoist);
    handler.login.hoist(&mut hoist);
    let constants = hoist.into_tokens();
    let handler = &handler;
    let (overrides, marker) = overrides::expand(handler, &private);
    let mode = match handler.mode {
        Mode::Create if handler.lazy => quote_spanned!(place=> #private::CreateLazily),
        Mode::Create => quote_spanned!(place=> #private::Create),
        Mode::Load => quote_spanned!(place=> #private::Load),
    };
    let outer_attrs = utoipa::complete(handler, &private, &mode, &overrides);
    let parts = Parts {
        handler,
        private: &private,
        place,
        mode,
        overrides,
        boxes: may_box && boxed::is_possible(handler),
    };
    let visibility = &handler.visibility;
    let Signature {
        asyncness,
        fn_token,
        ident,
        generics,
        ..
    } = &handler.signature;
    let asyncness = asyncness.filter(|_| !parts.boxes);
    let where_clause = &generics.where_clause;
    let (parameters, output, statements) = match handler.request {
        Some(request) => parts.http(&handler.arguments[request]),
        None => parts.framework(),
    };
    let recovered = handler
        .arguments
        .iter()
        .any(|argument| matches!(argument.role, Role::Invalid(_)))
        .then(|| quote!(#[allow(unused, unreachable_code, clippy::diverging_sub_expression)]));
    // Of an `async` function, clippy does not look at the type of the value.
    let lints = (parts.boxes).then(|| quote!(#[allow(clippy::type_complexity)]));
    let mut checks = loaders::checks(&handler.loaders, &private);
    checks.extend(emit_check(handler, &private));
    checks.extend(login::const_checks(handler, &private));
    let inner = parts.inner();
    // A nested function has no `self`.
    let (nested, method) = match &handler.receiver {
        None => (Some(inner), None),
        Some(_) => (None, Some(inner)),
    };
    let body = quote! {
        #nested
        #(#checks)*
        #statements
    };
    // The inner function would shadow an argument with the function's own name.
    let body = match parts.same_named() {
        Some(argument) => {
            let (name, other) = (&argument.name, parts.name_inside(argument));
            quote_spanned!(place=> let #other = #name; { #body })
        }
        None => body,
    };
    // Errors about the outer body point at the user's body.
    let mut body = Group::new(Delimiter::Brace, body);
    body.set_span(handler.body.span());
    let (ident, receiver) = match &handler.receiver {
        None => (ident.clone(), None),
        Some(receiver) => (parts.outer_name(), Some(quote!(#receiver,))),
    };
    Expanded {
        beside: quote!(#constants #marker),
        outer: quote! {
            #(#outer_attrs)*
            #recovered
            #lints
            #visibility #asyncness #fn_token #ident #generics (#receiver #(#parameters),*) #output #where_clause #body
        },
        method,
    }
}

/// What the expansions of framework handlers and `http` handlers have in common.
pub(super) struct Parts<'a> {
    pub(super) handler: &'a Handler,
    pub(super) private: &'a TokenStream,
    /// The span of generated code.
    pub(super) place: Span,
    pub(super) mode: TokenStream,
    pub(super) overrides: TokenStream,
    /// Whether the function returns a boxed future.
    pub(super) boxes: bool,
}

/// Parameters, output and body of the outer function.
pub(super) type OuterParts = (Vec<TokenStream>, TokenStream, TokenStream);

impl Parts<'_> {
    /// The guard is always the first argument, because the last one may consume the body.
    fn framework(&self) -> OuterParts {
        let Self {
            handler,
            private,
            mode,
            overrides,
            ..
        } = self;
        let place = self.place;
        let (sessions, others): (Vec<_>, Vec<_>) = handler
            .arguments
            .iter()
            .partition(|argument| session_type(argument).is_some());
        let guards = sessions.iter().filter_map(|argument| {
            let Argument { name, attrs, .. } = argument;
            let ty = session_type(argument)?;
            let guard = wrapped(
                &if handler.receiver.is_some() {
                    quote_spanned!(place=> #private::ApiGuard)
                } else {
                    quote_spanned!(place=> #private::SessionGuard)
                },
                ty,
                &quote_spanned!(place=> #ty, #mode, #overrides),
            );
            Some(quote_spanned!(place=> #(#attrs)* #name: #guard))
        });
        let parameters = guards
            .chain(others.iter().map(|argument| parameter(argument)))
            .collect();
        let output = match &handler.signature.output {
            ReturnType::Default => {
                let (reply, arguments) = self.reply_type(&quote_spanned!(place=> ()));
                quote_spanned!(place=> -> #reply<#arguments>)
            }
            ReturnType::Type(arrow, ty) => {
                let (reply, arguments) = self.reply_type(&quote!(#ty));
                let reply = wrapped(&reply, ty, &arguments);
                quote!(#arrow #reply)
            }
        };
        let require = (!handler.http)
            .then(|| loaders::const_check(private, &rule_named("framework"), &quote!(), place));
        let splits = sessions.iter().map(|argument| {
            let name = self.name_inside(argument);
            let unwrap =
                (handler.receiver.is_some()).then(|| quote_spanned!(place=> .into_guard()));
            self.split(argument, &quote!(#name #unwrap))
        });
        let reply = if self.boxes {
            self.boxed_reply()
        } else {
            self.awaited_reply()
        };
        let expectations = self.expectations();
        let statements = quote_spanned! {place=>
            #require
            #expectations
            #(#splits)*
            #reply
        };
        (parameters, output, statements)
    }

    /// The type of the reply with this value, and its generic arguments.
    fn reply_type(&self, value: &TokenStream) -> (TokenStream, TokenStream) {
        let Self {
            handler,
            private,
            mode,
            overrides,
            ..
        } = self;
        let place = self.place;
        if self.boxes {
            let reply = quote_spanned!(place=> #private::boxed::Responding);
            return (reply, value.clone());
        }
        if handler.receiver.is_none() {
            let reply = quote_spanned!(place=> #private::SessionReply);
            return (reply, value.clone());
        }
        let session = handler.arguments.iter().find_map(session_type);
        let guard = quote_spanned!(place=> #private::SessionGuard<#session, #mode, #overrides>);
        (
            quote_spanned!(place=> #private::ApiReply),
            quote_spanned!(place=> #value, #guard),
        )
    }

    /// The name of the method that `#[OpenApi]` sees. The user's method keeps its own.
    fn outer_name(&self) -> Ident {
        let ident = self.handler.signature.ident.unraw();
        format_ident!("__session_{ident}", span = ident.span())
    }

    /// The argument that has the name of the function.
    fn same_named(&self) -> Option<&Argument> {
        let ident = &self.handler.signature.ident;
        (self.handler.arguments.iter()).find(|argument| argument.name == *ident)
    }

    /// The name of an argument in the outer body, where the inner function may shadow it.
    pub(super) fn name_inside(&self, argument: &Argument) -> Ident {
        match self.same_named() {
            Some(same_named) if std::ptr::eq(same_named, argument) => {
                Ident::new("__namesake", self.place)
            }
            // A lint about a use of `_name` only spares the code of a macro.
            _ if args::is_unused(&argument.name) => args::placed(&argument.name, Span::call_site()),
            // Without its own span, because an editor would show the type in the outer function.
            _ => args::placed(&argument.name, self.place),
        }
    }

    /// Names the user's type only once, so that a type that is not a session causes one error.
    pub(super) fn split(&self, argument: &Argument, guard: &TokenStream) -> TokenStream {
        let Self { private, place, .. } = *self;
        let ty = session_type(argument);
        let session = inner_name(argument, place);
        let committer = if self.is_first(argument) {
            quote_spanned!(place=> __committer)
        } else {
            quote_spanned!(place=> _committer)
        };
        // An alias may hide a type that is not compatible with the mode. That error points at the
        // mode, which therefore gets the span of the type.
        let mode = match ty {
            Some(ty) if !args::is_session_or_option(ty) => {
                let mode = &self.mode;
                respan(quote_spanned!(place=> #mode<>), ty.span())
            }
            _ => quote_spanned!(place=> _),
        };
        quote_spanned!(place=> let (#session, #committer) = #private::split::<#ty, #mode, _>(#guard);)
    }

    fn is_first(&self, argument: &Argument) -> bool {
        self.handler
            .arguments
            .iter()
            .find(|candidate| session_type(candidate).is_some())
            .is_some_and(|first| std::ptr::eq(first, argument))
    }

    /// The call of the user's function.
    pub(super) fn call(&self) -> TokenStream {
        let Self { place, .. } = *self;
        let Signature {
            ident, generics, ..
        } = &self.handler.signature;
        // Lifetimes are inferred, because late-bound ones cannot be passed.
        let passed: Vec<_> = generics
            .params
            .iter()
            .filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            })
            .collect();
        let turbofish = (!passed.is_empty()).then(|| quote_spanned!(place=> ::<#(#passed),*>));
        let arguments = self.handler.arguments.iter().map(|argument| {
            let cfgs = &argument.cfgs;
            let value = match argument.role {
                Role::Invalid(_) => quote_spanned!(place=> loop {}),
                Role::Session => {
                    let name = inner_name(argument, place);
                    quote!(#name)
                }
                Role::Other => {
                    let name = self.name_inside(argument);
                    quote!(#name)
                }
            };
            quote!(#(#cfgs)* #value)
        });
        let method = self
            .handler
            .receiver
            .as_ref()
            .map(|_| quote_spanned!(place=> self.));
        quote_spanned!(place=> #method #ident #turbofish (#(#arguments),*))
    }

    /// Awaits the user's function, and checks whether its value is a failure.
    pub(super) fn run(&self) -> TokenStream {
        let Self { private, place, .. } = *self;
        let call = self.call();
        let future = self.expected_future(&call).unwrap_or(call);
        let call = quote_spanned!(place=> #future.await);
        if returned::hides_failure(self.handler) {
            quote_spanned!(place=> let #private::Judged { value: __value, failed: __failed } = #call;)
        } else {
            let failed = returned::has_failed(self.handler, private);
            quote_spanned! {place=>
                let __value = #call;
                let __failed = #failed;
            }
        }
    }

    /// Awaits the user's function, commits and replies.
    fn awaited_reply(&self) -> TokenStream {
        let Self { private, place, .. } = *self;
        let run = self.run();
        let conversions = self.conversions();
        let reply = self.reply(&quote_spanned! {place=>
            #private::reply(__value, __failed, __committer, &__conversions)
        });
        quote_spanned! {place=>
            #run
            let __conversions = #conversions;
            #reply
        }
    }

    /// How the value becomes a response, which is only used if the status decides; see `by_status.rs`.
    fn conversions(&self) -> TokenStream {
        let Self { private, place, .. } = *self;
        quote_spanned! {place=> {
            #[allow(unused_imports)]
            use #private::{ViaAxum as _, ViaNothing as _, ViaPoem as _};
            let __probe = &#private::Probe::of(&__value);
            #private::Conversions {
                axum: __probe.via_axum(),
                poem: __probe.via_poem(),
            }
        }}
    }

    /// The value with the headers that its session adds to the response, once it is committed.
    pub(super) fn reply(&self, commit: &TokenStream) -> TokenStream {
        let Self { private, place, .. } = *self;
        let shared = (self.handler.shared).then(|| quote_spanned!(place=> .shared()));
        let reply = quote_spanned! {place=>
            match #commit {
                #private::HandlerReply::Done(reply) => reply #shared,
                #private::HandlerReply::Pending(pending) => pending.await #shared,
            }
        };
        if self.handler.receiver.is_some() {
            return quote_spanned!(place=> #private::ApiReply::new(#reply));
        }
        reply
    }

    /// The user's function: signature, attributes and body as written, except where only the body
    /// shows whether the handler failed.
    fn inner(&self) -> TokenStream {
        let Handler {
            attrs,
            signature,
            body,
            ..
        } = self.handler;
        let (attrs, place) = (&attrs.inner, self.place);
        let function = if returned::hides_failure(self.handler) {
            returned::judging(self.handler, self.private)
        } else {
            quote!(#signature #body)
        };
        quote_spanned! {place=>
            #[allow(clippy::unused_async)]
            #(#attrs)*
            #function
        }
    }
}

/// Checks `emit` against the loaders of the config, which the macro cannot see. A constant cannot
/// use the parameters of a generic function, so there the check happens at the first use.
fn emit_check(handler: &Handler, private: &TokenStream) -> Option<TokenStream> {
    let emit = handler.emit.as_ref()?;
    let ty = handler.arguments.iter().find_map(session_type)?;
    if !handler.loaders.is_empty() || !handler.signature.generics.params.is_empty() {
        return None;
    }
    let variant = Ident::new(emit.variant, Span::call_site());
    let rule = quote!(emit::<#ty>);
    let arguments = quote!(#private::Emit::#variant);
    Some(loaders::const_check(
        private,
        &rule,
        &arguments,
        emit.written.span(),
    ))
}

/// Wraps the user's type in a type of the library.
pub(super) fn wrapped(outer: &TokenStream, user: &Type, arguments: &TokenStream) -> TokenStream {
    let (first, last) = end_spans(user);
    wrap_generic(outer, arguments, first, last)
}

/// The session type of an argument, if it is a session.
pub(super) fn session_type(argument: &Argument) -> Option<&Type> {
    match &argument.role {
        Role::Session => Some(&argument.ty),
        Role::Invalid(ty) => Some(ty),
        Role::Other => None,
    }
}

/// The name of the session between the guard and the call of the inner function.
fn inner_name(argument: &Argument, place: Span) -> Ident {
    let name = syn::ext::IdentExt::unraw(&argument.name).to_string();
    // Two underscores in a row, but for the first ones, are no snake case.
    format_ident!("__session_of_{}", name.trim_matches('_'), span = place)
}

/// An argument of the outer function.
pub(super) fn parameter(argument: &Argument) -> TokenStream {
    let Argument {
        name, ty, attrs, ..
    } = argument;
    quote!(#(#attrs)* #name: #ty)
}
