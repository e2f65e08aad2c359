//! Generates the code that determines from its value whether a handler failed.
//!
//! If the return type has an `impl Trait`, the type of the value is known only inside the user's
//! function. There, that function determines it, and also returns the result.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, GenericArgument, Meta, PathArguments, ReturnType, Type};

use super::expand::wrapped;
use super::fallible;
use super::model::Handler;
use crate::tokens::{end_spans, is_punct, is_word, mentions};

/// Whether only the body shows whether the handler failed. The type of a body that never returns a
/// value, such as `todo!()`, is also unknown outside of it. `#[instrument(err)]` requires that the body has the
/// type of the function, so there only the outermost `Result` is examined.
pub(super) fn hides_failure(handler: &Handler) -> bool {
    match &handler.signature.output {
        ReturnType::Default => false,
        ReturnType::Type(_, ty) => {
            mentions(&quote!(#ty), |word| word == "impl")
                && !logs_errors(&handler.attrs.inner)
                && !fallible::never_returns(handler.body.stream())
        }
    }
}

/// Whether an attribute such as `#[instrument(err)]` takes the value of the body for a `Result`. An
/// `err` inside of another argument, as in `fields(err)` or `skip(err)`, is only a name.
pub(super) fn logs_errors(attrs: &[Attribute]) -> bool {
    let has_err = |attr: &Attribute| match &attr.meta {
        Meta::List(list) => {
            (list.tokens.clone().into_iter()).any(|token| is_word(Some(&token), "err"))
        }
        Meta::Path(_) | Meta::NameValue(_) => false,
    };
    attrs.iter().any(has_err)
}

/// The expression that examines `__value`.
pub(super) fn has_failed(handler: &Handler, private: &TokenStream) -> TokenStream {
    let steps = steps(handler, private);
    quote_spanned!(handler.place()=> #private::examine(&__value, #steps))
}

/// The closure that examines a value. Within the handler's future, each step would need code for a panic. An error about the
/// type points at the return type.
pub(super) fn steps(handler: &Handler, private: &TokenStream) -> TokenStream {
    let place = handler.place();
    let at_type = match &handler.signature.output {
        ReturnType::Default => place,
        ReturnType::Type(_, ty) => end_spans(ty).0,
    };
    let function = quote_spanned!(at_type=> has_failed);
    let steps = match &handler.signature.output {
        ReturnType::Default => Some(1),
        ReturnType::Type(_, ty) => count(ty),
    };
    // Each step costs the compiler time, and the default number is for the longest tuples. An alias that is called
    // like one of the known types may need some more.
    let steps = steps.map_or(MOST_STEPS, |steps| steps + SPARE_STEPS);
    let found = |step| format_ident!("__found{step}", span = place);
    let (before, after): (Vec<_>, Vec<_>) = (0..steps)
        .map(|step| (found(step), found(step + 1)))
        .unzip();
    let mut last = found(steps);
    last.set_span(at_type);
    quote_spanned! {place=>
        |__value| {
            #[allow(unused_imports)]
            use #private::{Look as _, LookFallback as _};
            let __found0 = (#private::Values::of(__value), false);
            #(let #after = (&#before.0).look(#before.1);)*
            #private::#function(#last)
        }
    }
}

const SPARE_STEPS: usize = 4;

/// Enough for the longest tuple of every framework. More values are a compile error.
const MOST_STEPS: usize = 24;

/// The names of types that contain no `Result`.
const LEAVES: &[&str] = &[
    "Bytes",
    "HeaderMap",
    "Html",
    "HttpResponse",
    "Json",
    "Redirect",
    "Response",
    "StatusCode",
    "String",
    "str",
];

/// The number of values to look at, if the whole type is written with known names.
fn count(ty: &Type) -> Option<usize> {
    match ty {
        Type::Reference(reference) => count(&reference.elem),
        Type::Tuple(tuple) => (tuple.elems.iter()).try_fold(1, |sum, ty| Some(sum + count(ty)?)),
        Type::Path(path) => {
            let segment = path.path.segments.last()?;
            if LEAVES.iter().any(|leaf| segment.ident == leaf) {
                return Some(1);
            }
            if !["Result", "Option", "Box"]
                .iter()
                .any(|name| segment.ident == name)
            {
                return None;
            }
            match &segment.arguments {
                PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
                    GenericArgument::Type(inside) => Some(1 + count(inside)?),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// The user's function, which also returns whether it failed.
pub(super) fn judging(handler: &Handler, private: &TokenStream) -> TokenStream {
    let mut signature = handler.signature.clone();
    let body = &handler.body;
    let ReturnType::Type(arrow, ty) = &handler.signature.output else {
        return quote!(#signature #body);
    };
    let place = handler.place();
    let returned = wrapped(&quote!(#private::Judged), ty, &quote!(#ty));
    let inferred = without_impl(quote!(#ty));
    signature.output = ReturnType::Type(*arrow, Box::new(Type::Verbatim(returned)));
    // A `return` or `?` leaves the block, not the function. If a part of the return type is known, the
    // block needs it for type inference.
    let body = if inferred.to_string() == "_" {
        quote!(#body)
    } else {
        quote_spanned!(place=> {
            #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::let_unit_value)]
            if let ::core::option::Option::Some(__typed) = ::core::option::Option::None::<#inferred> {
                return __typed;
            }
            #body
        })
    };
    let failed = has_failed(handler, private);
    quote_spanned! {place=>
        #signature {
            #[allow(
                clippy::async_yields_async,
                clippy::let_unit_value,
                clippy::redundant_async_block,
                unused_braces
            )]
            let __value = async move #body.await;
            #private::Judged { failed: #failed, value: __value }
        }
    }
}

/// The type with `_` in place of every `impl Trait`.
fn without_impl(ty: TokenStream) -> TokenStream {
    let tokens: Vec<_> = ty.into_iter().collect();
    let mut kept = TokenStream::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_word(Some(token), "impl") {
            kept.extend(quote!(_));
            at = after_bounds(&tokens, at);
            continue;
        }
        at += 1;
        kept.extend([match token {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_impl(group.stream()));
                inside.set_span(group.span());
                TokenTree::Group(inside)
            }
            token => token.clone(),
        }]);
    }
    kept
}

/// The index after the bounds of the `impl` at this index. They end at a comma, or at the end of the
/// generic arguments that contain the `impl`.
fn after_bounds(tokens: &[TokenTree], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if is_punct(Some(token), '<') {
            depth += 1;
        } else if is_punct(Some(token), '>') && !is_punct(before, '-') {
            let Some(outer) = depth.checked_sub(1) else {
                break;
            };
            depth = outer;
        } else if is_punct(Some(token), ',') && depth == 0 {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{count, logs_errors, without_impl};

    #[test]
    fn the_values_of_known_types_are_counted() {
        for (ty, expected) in [
            ("String", Some(1)),
            ("&'static str", Some(1)),
            ("()", Some(1)),
            ("Result<axum::Json<Cart>, Failure>", Some(2)),
            ("Result<Option<(StatusCode, Json<Cart>)>, Failure>", Some(5)),
            ("Result<Own, Failure>", None),
            ("(StatusCode, Own)", None),
            ("impl IntoResponse", None),
        ] {
            assert_eq!(
                count(&syn::parse_str(ty).expect("a type")),
                expected,
                "{ty}"
            );
        }
    }

    #[test]
    fn only_an_argument_of_the_attribute_logs_errors() {
        let logs = |attr: &str| {
            let handler: syn::ItemFn =
                syn::parse_str(&format!("{attr} fn f() {{}}")).expect("a function");
            logs_errors(&handler.attrs)
        };
        for attr in [
            "#[instrument(err)]",
            "#[tracing::instrument(skip_all, err(Debug))]",
        ] {
            assert!(logs(attr), "{attr}");
        }
        for attr in [
            "#[instrument]",
            "#[instrument(skip(session, err))]",
            "#[instrument(skip_all, fields(err = 1))]",
            "#[doc = \"err\"]",
        ] {
            assert!(!logs(attr), "{attr}");
        }
    }

    #[test]
    fn every_impl_is_inferred() {
        for (ty, inferred) in [
            ("impl IntoResponse", "_"),
            ("impl Responder<'r, 'static> + use<'r>", "_"),
            ("Result<impl IntoResponse, Error>", "Result<_, Error>"),
            (
                "(StatusCode, impl Iterator<Item = (u8, u8)>, impl Fn(u8) -> Vec<u8>)",
                "(StatusCode, _, _)",
            ),
            (
                "Either<impl A<B<C>>, Result<impl D, E>>",
                "Either<_, Result<_, E>>",
            ),
            ("Json<Cart>", "Json<Cart>"),
        ] {
            let tokens = |text: &str| text.parse::<proc_macro2::TokenStream>().expect("tokens");
            assert_eq!(
                without_impl(tokens(ty)).to_string(),
                tokens(inferred).to_string(),
            );
        }
    }
}
