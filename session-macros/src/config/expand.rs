//! Expands a config.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, Type};

use super::model::{Amount, Config, Rule};
use super::{cross_checks, warnings};
use crate::choice::Choice;
use crate::hoist::Hoist;
use crate::loaders;
use crate::loaders::{const_check, rule_named};
use crate::quantity::Quantity;
use crate::text::Text;
use crate::tokens::{self, private, respan};

pub(super) fn expand(mut config: Config) -> TokenStream {
    let constants = hoist(&mut config);
    let config = &config;
    let private = private(config.library.as_ref());
    let declaration = declaration(config);
    // The items next to the struct have the same `cfg`s.
    let cfgs: Vec<_> = (config.attrs)
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .collect();
    let implementation = implementation(config, &private);
    let functions = functions(config, &private);
    let Config {
        visibility, name, ..
    } = config;
    let checks = checks(config, &private)
        .into_iter()
        .chain(warnings::expand(config))
        .map(|check| quote!(#(#cfgs)* #check));
    quote! {
        #declaration

        #(#cfgs)*
        #implementation

        #(#cfgs)*
        #[allow(dead_code)]
        #functions

        #(#cfgs)*
        #private::admin_method! { #visibility #name }

        #constants
        #(#checks)*
    }
}

/// The struct alone.
pub(super) fn declaration(config: &Config) -> TokenStream {
    let Config {
        attrs,
        visibility,
        name,
        ..
    } = config;
    // Errors about the struct point at its name.
    let keyword = quote_spanned!(name.span()=> struct);
    let end = quote_spanned!(name.span()=> ;);
    quote! {
        #(#attrs)*
        #[allow(dead_code, missing_debug_implementations, missing_copy_implementations)]
        #visibility #keyword #name #end
    }
}

/// Replaces expressions that are not literals with generated constants.
fn hoist(config: &mut Config) -> TokenStream {
    let cfgs = (config.attrs.iter()).filter(|attr| attr.path().is_ident("cfg"));
    let name = config.name.unraw().to_string();
    let mut hoist = Hoist::new(&name, quote!(#(#cfgs)*));
    let private = private(config.library.as_ref());
    loaders::hoist(&mut config.loaders, &private, &mut hoist);
    let duration = || quote!(::core::time::Duration);
    for (option, of_type) in [
        (&mut config.idle_timeout, duration()),
        (&mut config.absolute_timeout, duration()),
        (&mut config.first_use_timeout, duration()),
        (&mut config.touch_every, duration()),
        (&mut config.renew_every, duration()),
        (&mut config.renew_grace, duration()),
        (&mut config.max_size, quote!(::core::primitive::u64)),
        (&mut config.max_fields, quote!(::core::primitive::u64)),
        (&mut config.max_sessions, quote!(::core::primitive::u64)),
        (&mut config.data_version, quote!(::core::primitive::u64)),
        (&mut config.write_version, quote!(::core::primitive::u64)),
    ] {
        if let Some(Amount {
            quantity: Quantity::Constant(expr),
            ..
        }) = option
        {
            hoist.expr(expr, &of_type);
        }
    }
    if let Some((_, namespace)) = &mut config.namespace {
        namespace.hoist(&mut hoist);
    }
    if let Some((_, function)) = &mut config.migrate {
        hoist.expr(function, &quote!(#private::Migrate));
    }
    if let Some((_, function)) = &mut config.on_event {
        let of_type = quote!(fn(&#private::Event<'_>));
        hoist.expr(function, &of_type);
    }
    hoist.into_tokens()
}

fn implementation(config: &Config, private: &TokenStream) -> TokenStream {
    let name = &config.name;
    let plain = name.unraw().to_string();
    let data = config
        .data
        .as_ref()
        .map_or_else(|| quote!(#private::Untyped), |data| quote!(#data));
    // Without a store, `InMemoryConfig` adds the memory store and the bounds that it needs.
    let (kind, store, connect) = match &config.store {
        None => (quote!(InMemoryConfig), None, None),
        Some(store) => (
            quote!(SessionConfig),
            Some(quote!(type Store = #store;)),
            Some(connect(store, config.store_value.as_ref(), private)),
        ),
    };
    let options = options(config, private);
    let untyped = config.data.is_none().then(|| {
        quote!(
            const UNTYPED: ::core::primitive::bool = true;
        )
    });
    let reasons = loaders::reasons(&config.loaders, private);
    let reasons = (!reasons.is_empty()).then(|| {
        quote!(
            const REASONS: &'static [#private::Reason] = &[#(#reasons),*];
        )
    });
    // The error for data that cannot be shared between threads points at its type.
    let (first, last) = config
        .data
        .as_ref()
        .map_or_else(|| (Span::call_site(), Span::call_site()), tokens::end_spans);
    // So does the one for data that is less visible than the config.
    let (keyword, end) = (quote_spanned!(first=> type), quote_spanned!(last=> ;));
    let data = quote!(#keyword Data = #data #end);
    let cell = tokens::wrap_generic(&quote!(#private::ConfigCell), &quote!(#name), first, last);
    let adopt = (config.adopt.as_ref()).map(|value| adopt(value, private));
    let merge = (!config.merge.is_empty()).then(|| merge(&config.merge, private));
    let namespace = default_namespace(&plain);
    let shown = shown_name(&plain);
    quote! {
        impl #private::#kind for #name {
            #data
            #store
            const NAME: &'static ::core::primitive::str = #shown;
            const OPTIONS: #private::Options = {
                #[allow(unused_mut)]
                let mut options = #private::Options::new(#namespace);
                #(#options)*
                options
            };
            #untyped
            #reasons
            #connect
            #adopt
            #merge
            fn cell() -> &'static #private::ConfigCell<Self> {
                static CELL: #cell = #private::ConfigCell::new();
                &CELL
            }
        }
    }
}

/// The name in events, logs, metrics and documents.
fn shown_name(name: &str) -> String {
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// The names of the package, the crate and the config. The crate is left out where it has the package's
/// name. Two binaries of one package then do not share sessions, and a config can move to another module.
fn default_namespace(config: &str) -> TokenStream {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let (package, in_crate) = (variable("CARGO_PKG_NAME"), variable("CARGO_CRATE_NAME"));
    if in_crate.is_empty() || in_crate == package.replace('-', "_") {
        quote!(::core::concat!(::core::env!("CARGO_PKG_NAME"), "/", #config))
    } else {
        quote! {
            ::core::concat!(
                ::core::env!("CARGO_PKG_NAME"), "/", ::core::env!("CARGO_CRATE_NAME"), "/", #config
            )
        }
    }
}

/// The function that creates the store, from the given value or with `Default`.
fn connect(store: &Type, value: Option<&Expr>, private: &TokenStream) -> TokenStream {
    let ready = if let Some(value) = value {
        // With the type annotation, a value of another type is one error.
        let body = quote! {{
            let store: #store = #value;
            ::core::result::Result::Ok::<_, #private::BoxError>(store)
        }};
        boxed(
            &quote!(#private::store_must_be_send::<_>),
            body,
            value.span(),
        )
    } else {
        // In this form, the error for a type without a default points at the type.
        quote! {
            ::core::future::ready(::core::result::Result::Ok(
                <#store as ::core::default::Default>::default(),
            ))
        }
    };
    quote! {
        fn connect() -> impl ::core::future::Future<
            Output = ::core::result::Result<Self::Store, #private::BoxError>,
        > + ::core::marker::Send {
            #ready
        }
    }
}

/// The function that connects to the old sessions.
fn adopt(value: &Expr, private: &TokenStream) -> TokenStream {
    let place = Span::call_site().located_at(value.span());
    let into_adopt = respan(quote!(#private::into_adopt::<Self::Data>), place);
    let body = quote! {{
        let adopt = #into_adopt(#value);
        ::core::result::Result::Ok::<_, #private::BoxError>(adopt)
    }};
    let ready = boxed(
        &quote!(#private::adopt_must_be_send::<_>),
        body,
        value.span(),
    );
    quote! {
        const ADOPTS: ::core::primitive::bool = true;
        fn adopt() -> #private::BoxFuture<
            'static,
            ::core::result::Result<#private::Adopt<Self::Data>, #private::BoxError>,
        > {
            #ready
        }
    }
}

/// The future of a body, boxed by a function. Errors about the future point at the value.
fn boxed(function: &TokenStream, body: TokenStream, value: Span) -> TokenStream {
    let place = Span::call_site().located_at(value);
    let body = respan(body, place);
    let future = quote_spanned!(place=> async move #body);
    respan(quote!(#function(#future)), place)
}

/// One assignment for each option that was given.
fn options(config: &Config, private: &TokenStream) -> Vec<TokenStream> {
    let mut options = Vec::new();
    let mut set = |option: &str, value: TokenStream| {
        let option = Ident::new(option, Span::call_site());
        options.push(quote!(options.#option = #value;));
    };
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let plain = [
        ("idle_timeout", &config.idle_timeout, false),
        ("absolute_timeout", &config.absolute_timeout, false),
        ("first_use_timeout", &config.first_use_timeout, true),
        ("touch_every", &config.touch_every, true),
        ("renew_every", &config.renew_every, true),
        ("renew_grace", &config.renew_grace, false),
        ("max_size", &config.max_size, true),
        ("max_fields", &config.max_fields, false),
        ("max_sessions", &config.max_sessions, true),
        ("data_version", &config.data_version, false),
        ("write_version", &config.write_version, true),
    ];
    for (option, amount, optional) in plain {
        if let Some(Amount { quantity, .. }) = amount {
            let value = quote!(#quantity);
            set(option, if optional { some(value) } else { value });
        }
    }
    if let Some((_, namespace)) = &config.namespace {
        set("namespace", quote!(#namespace));
    }
    if !config.loaders.is_empty() {
        set("loaders", loaders::expand(&config.loaders, private));
    }
    let choices = [
        ("emit", "Emit", &config.emit),
        ("on_conflict", "OnConflict", &config.on_conflict),
        ("on_ended", "OnEnded", &config.on_ended),
        ("on_store_error", "OnStoreError", &config.on_store_error),
        ("on_undecodable", "OnUndecodable", &config.on_undecodable),
        ("on_reuse", "OnReuse", &config.on_reuse),
        ("on_max_sessions", "OnMaxSessions", &config.on_max_sessions),
        ("commit", "Commit", &config.commit),
        ("trusted_proxy", "TrustedProxy", &config.trusted_proxy),
    ];
    for (option, of_type, choice) in choices {
        if let Some(Choice { variant, .. }) = choice {
            let of_type = Ident::new(of_type, Span::call_site());
            let variant = Ident::new(variant, Span::call_site());
            let value = quote!(#private::#of_type::#variant);
            let optional = ["emit", "trusted_proxy"].contains(&option);
            set(option, if optional { some(value) } else { value });
        }
    }
    if let Some((_, function)) = &config.migrate {
        set("migrate", some(quote!(#function)));
    }
    if let Some((_, function)) = &config.on_event {
        set("on_event", some(quote!(#function)));
    }
    options
}

/// The rules work on typed fields, not on the keys that serde gives them.
fn merge(rules: &[Rule], private: &TokenStream) -> TokenStream {
    let each = rules.iter().map(|Rule { field, rule }| {
        let plain = field.unraw().to_string();
        let word = Ident::new(&rule.to_string(), Span::call_site());
        let function = respan(quote!(#private::rule::#word::<>), rule.span());
        quote! {{
            let settled = #function(
                &mut inputs.loaded.#field,
                &mut inputs.mine.#field,
                &mut inputs.theirs.#field,
            );
            inputs.settle(#plain, settled);
        }}
    });
    quote! {
        fn merge(inputs: &mut #private::MergeInputs<'_, Self::Data>) {
            #(#each)*
        }
    }
}

fn functions(config: &Config, private: &TokenStream) -> TokenStream {
    let Config {
        visibility, name, ..
    } = config;
    quote! {
        impl #name {
            /// Builds the store, checks that it answers, and checks the config, so that a program
            /// with a mistake fails when it starts and not at its first request.
            ///
            /// # Errors
            /// All mistakes, in one list.
            #visibility async fn start() -> ::core::result::Result<(), #private::StartError> {
                #private::start::<#name>().await
            }

            /// Sets options whose values are known only at run time. Call it before the first use
            /// of a session.
            ///
            /// # Errors
            /// If a value breaks one of the rules that the compiler checks for literals, or if a
            /// session of this config has already been used.
            #visibility fn configure(
                change_options: impl ::core::ops::FnOnce(&mut #private::Options),
            ) -> ::core::result::Result<(), #private::ConfigureError> {
                #private::configure::<#name>(change_options)
            }

            /// The sessions of this config: to list and end those of a user, or one by its id.
            #[must_use]
            #visibility fn sessions() -> #private::Sessions<#name> {
                #private::sessions::<#name>()
            }

            /// Begins to log a user in: call it before the password is checked, and pass the result to
            /// `session.login`.
            ///
            /// # Errors
            /// If the store does not answer.
            #visibility async fn begin_login<S: #private::SubjectIndex>(
                user_id: impl ::core::fmt::Display,
            ) -> ::core::result::Result<#private::LoginAttempt<#name>, #private::Error>
            where
                #name: #private::SessionConfig<Store = S>,
            {
                #private::begin_login::<#name>(user_id).await
            }

            /// What this config promises, as a document: Markdown by `Display`, and JSON.
            #[must_use]
            #visibility fn policy() -> #private::Policy {
                #private::policy::<#name>()
            }

            /// How the requests carry their sid, as parts of an OpenAPI document.
            #[must_use]
            #visibility fn security() -> #private::Security {
                #private::security::<#name>()
            }

            /// A middleware for the whole app, which is optional: it loads the session at most once
            /// per request, and can provide another store.
            #[must_use]
            #visibility fn layer() -> #private::SessionLayer<#name> {
                #private::SessionLayer::new()
            }
        }
    }
}

fn checks(config: &Config, private: &TokenStream) -> Vec<TokenStream> {
    let mut checks = loaders::checks(&config.loaders, private);
    checks.extend(cross_checks::const_checks(config, private));
    if let (Some(Amount { key, .. }), Some(store)) = (&config.max_sessions, &config.store) {
        checks.push(quote_spanned! {key.span()=>
            const _: fn() = #private::must_know_users::<#store>;
        });
    }
    if let Some((key, namespace @ Text::Constant(_))) = &config.namespace {
        let namespace = namespace.to_token_stream();
        checks.push(const_check(
            private,
            &rule_named("namespace"),
            &namespace,
            key.span(),
        ));
    }
    checks
}
