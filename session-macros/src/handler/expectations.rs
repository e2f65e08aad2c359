//! What the framework expects of the arguments and of the return type, stated at each of them.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{GenericArgument, GenericParam, PathArguments, ReturnType, Type, parse_quote_spanned};

use super::args::last_segment;
use super::expand::Parts;
use super::model::Role;
use crate::tokens::{end_spans, mentions, respan};

/// The names of types about which there is nothing to find out, so that nothing is spent on them.
const ALWAYS_EXTRACTED: &[&str] = &[
    "Bytes",
    "ConnectInfo",
    "CookieJar",
    "Extension",
    "HeaderMap",
    "HttpRequest",
    "Method",
    // Nothing could be a view of `()`.
    "SessionView",
    "State",
    "String",
    "Uri",
];

/// The names of types that leave the body alone.
const FROM_HEAD: &[&str] = &["Path", "Query", "TypedHeader"];

impl Parts<'_> {
    /// A closure that is never called, so that nothing remains of it in the program. Whether a generic
    /// function fits is only known at its use.
    pub(super) fn expectations(&self) -> Option<TokenStream> {
        if self.is_generic() || self.handler.has_errors {
            return None;
        }
        let place = self.place;
        let arguments = self.expected_arguments();
        let returned = self.expected_return();
        if arguments.is_empty() && returned.is_empty() {
            return None;
        }
        Some(quote_spanned! {place=>
            let _ = || {
                #(#arguments)*
                #(#returned)*
            };
        })
    }

    /// The future of the user's function.
    pub(super) fn expected_future(&self, call: &TokenStream) -> Option<TokenStream> {
        if self.is_generic() || self.handler.request.is_some() {
            return None;
        }
        Some(self.sendable(&quote_spanned!(self.place=> expectations), call))
    }

    /// The same, through the function of a module. An error about it points at the name of the user's function.
    pub(super) fn sendable(&self, module: &TokenStream, call: &TokenStream) -> TokenStream {
        let Self { private, place, .. } = *self;
        let name = self.handler.signature.ident.span();
        let mut future = Group::new(Delimiter::Parenthesis, respan(call.clone(), name));
        future.set_span(name);
        quote_spanned!(place=> #private::#module::handler_must_be_send #future)
    }

    /// Whether the handler has parameters other than lifetimes, also as `impl Trait`.
    fn is_generic(&self) -> bool {
        let signature = &self.handler.signature;
        let parameters = &signature.generics.params;
        let is_lifetime = |parameter| matches!(parameter, &GenericParam::Lifetime(_));
        !parameters.iter().all(is_lifetime)
            || (self.handler.arguments.iter()).any(|argument| has_impl(&argument.ty))
    }

    fn expected_arguments(&self) -> Vec<TokenStream> {
        let others: Vec<_> = (self.handler.arguments.iter())
            .filter(|argument| matches!(argument.role, Role::Other))
            .collect();
        let mut expected = Vec::new();
        for (index, argument) in others.iter().enumerate() {
            if !argument.cfgs.is_empty() {
                continue;
            }
            let ty = &argument.ty;
            let name = last_segment(ty).map(|segment| segment.ident.to_string());
            let is_one_of =
                |names: &[&str]| name.as_ref().is_some_and(|name| names.contains(&&**name));
            if !is_one_of(ALWAYS_EXTRACTED) {
                expected.push(self.expected_kind(ty));
            }
            // One that is under a `cfg` may be missing, and another one follow.
            let next = others.get(index + 1).filter(|next| next.cfgs.is_empty());
            if let Some(next) =
                next.filter(|_| !is_one_of(ALWAYS_EXTRACTED) && !is_one_of(FROM_HEAD))
            {
                expected.push(self.expected_order(ty, &next.ty));
            }
        }
        expected
    }

    fn expected_kind(&self, ty: &Type) -> TokenStream {
        let Self { private, place, .. } = *self;
        let like = like(ty, place)
            .unwrap_or_else(|| quote_spanned!(place=> #private::expectations::Plain));
        let probe = quote_spanned!(place=> #private::expectations::Argument::<#ty, #like>::PROBE);
        let check = bound(
            place,
            &quote_spanned!(place=> (&&&&#probe).kind().taken::),
            ty,
            &quote!(#ty),
        );
        quote_spanned! {place=> {
            #[allow(unused_imports)]
            use #private::expectations::{
                KnownType as _, LikeBody as _, LikeHead as _, OfAnyType as _, Verdict as _,
            };
            #check
        }}
    }

    fn expected_order(&self, ty: &Type, next: &Type) -> TokenStream {
        let Self { private, place, .. } = *self;
        let probe = quote_spanned!(place=> #private::expectations::Argument::<#ty, #next>::PROBE);
        let check = bound(
            place,
            &quote_spanned!(place=> (&&&#probe).order().ordered::),
            ty,
            &quote!(#ty),
        );
        quote_spanned! {place=> {
            #[allow(unused_imports)]
            use #private::expectations::{
                BeforeAny as _, BeforeNext as _, ConsumesBody as _, Verdict as _,
            };
            #check
        }}
    }

    /// The parts of a written `Result`, or the whole type.
    fn expected_return(&self) -> Vec<TokenStream> {
        let ReturnType::Type(_, ty) = &self.handler.signature.output else {
            return Vec::new();
        };
        let Self { private, place, .. } = *self;
        let expected = match result(ty) {
            Some((value, error)) => {
                vec![
                    (quote_spanned!(place=> returned), value),
                    (quote_spanned!(place=> failure), error),
                ]
            }
            None => vec![(quote_spanned!(place=> returned), &**ty)],
        };
        expected
            .into_iter()
            .filter(|(_, ty)| !has_impl(ty) && !matches!(ty, Type::Never(_)))
            .map(|(function, ty)| {
                bound(
                    place,
                    &quote_spanned!(place=> #private::expectations::#function::),
                    ty,
                    &quote_spanned!(place=> #ty, _),
                )
            })
            .collect()
    }
}

/// A call with a bound on a type, at which an error points.
fn bound(place: Span, function: &TokenStream, ty: &Type, parameters: &TokenStream) -> TokenStream {
    let (first, last) = end_spans(ty);
    let (open, close) = (quote_spanned!(first=> <), quote_spanned!(last=> >));
    quote_spanned!(place=> #function #open #parameters #close ();)
}

/// The type with `()` as its only parameter. Whether it is an extractor then shows whether the
/// parameter decides.
fn like(ty: &Type, place: Span) -> Option<TokenStream> {
    let Type::Path(mut path) = ty.clone() else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &mut path.path.segments.last_mut()?.arguments
    else {
        return None;
    };
    let only = arguments.args.first_mut()?;
    if !matches!(only, GenericArgument::Type(_)) {
        return None;
    }
    *only = parse_quote_spanned!(place=> ());
    (arguments.args.len() == 1).then(|| quote!(#path))
}

/// The value and the error of a type that is written as `Result<T, E>`.
pub(super) fn result(ty: &Type) -> Option<(&Type, &Type)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    let mut types = arguments.args.iter();
    match (types.next()?, types.next()?, types.next()) {
        (GenericArgument::Type(value), GenericArgument::Type(error), None)
            if segment.ident == "Result" =>
        {
            Some((value, error))
        }
        _ => None,
    }
}

/// Whether the type is, or contains, an `impl Trait` or a macro, which may stand for one.
fn has_impl(ty: &Type) -> bool {
    let tokens = quote!(#ty);
    mentions(&tokens, |word| word == "impl") || has_exclamation_mark(tokens)
}

fn has_exclamation_mark(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_exclamation_mark(group.stream()),
        TokenTree::Punct(punct) => punct.as_char() == '!',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    })
}
