//! Expands loaders to values of the runtime, and to checks of constants that only the compiler can
//! evaluate.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::{Cookie, Kind, Loader};
use crate::text::Text;
use crate::tokens::{end_spans, respan};
use connect_session_rules::DEFAULT_COOKIE_PATH;

/// A slice of loaders, in an inline const so that it is `'static`.
pub(crate) fn expand(loaders: &[Loader], private: &TokenStream) -> TokenStream {
    let each = loaders.iter().map(|loader| match &loader.kind {
        Kind::Header(name) => quote!(#private::SidSource::Header(#name)),
        Kind::Bearer => quote!(#private::SidSource::Bearer),
        Kind::Cookie(cookie) => {
            let spec = spec(cookie, private);
            quote!(#private::SidSource::Cookie(#spec))
        }
        Kind::Query { name, .. } => quote!(#private::SidSource::Query(#name)),
        Kind::Path { name, .. } => quote!(#private::SidSource::Path(#name)),
        Kind::Custom(function) => quote!(#private::SidSource::Custom(#function)),
    });
    quote!(const { &[#(#each),*] })
}

/// The reasons that the loaders give, for the config's policy.
pub(crate) fn reasons(loaders: &[Loader], private: &TokenStream) -> Vec<TokenStream> {
    let mut reasons = Vec::new();
    for loader in loaders {
        let given: Vec<_> = match &loader.kind {
            Kind::Cookie(cookie) => vec![
                ("insecure", &cookie.name, cookie.insecure.as_ref()),
                ("unprefixed", &cookie.name, cookie.unprefixed.as_ref()),
                (
                    "cross_origin",
                    &cookie.name,
                    cookie.allow_any_origin.as_ref(),
                ),
            ],
            Kind::Query { name, reason } | Kind::Path { name, reason } => {
                vec![("allow_in_url", name, Some(reason))]
            }
            Kind::Header(_) | Kind::Bearer | Kind::Custom(_) => Vec::new(),
        };
        for (option, name, reason) in given {
            reasons.extend(reason.map(
                |reason| quote!(#private::Reason { of: #name, option: #option, text: #reason }),
            ));
        }
    }
    reasons
}

fn spec(cookie: &Cookie, private: &TokenStream) -> TokenStream {
    let name = &cookie.name;
    let path = cookie.path.iter();
    let domain = cookie.domain.iter();
    let same_site = cookie
        .same_site
        .iter()
        .map(|word| Ident::new(word, Span::call_site()));
    let insecure = cookie.insecure.iter().map(|_| quote!(false));
    let unprefixed = cookie
        .unprefixed
        .iter()
        .map(|_| quote!(cookie.unprefixed = true;));
    let partitioned = cookie
        .partitioned
        .then(|| quote!(cookie.partitioned = true;));
    let persistent = cookie
        .persistent
        .iter()
        .map(|_| quote!(cookie.persistent = true;));
    let clear_site_data = cookie
        .clear_site_data
        .then(|| quote!(cookie.clear_site_data = true;));
    let origins = (!cookie.origins.is_empty()).then(|| {
        let origins = &cookie.origins;
        quote!(cookie.origins = const { &[#(#origins),*] };)
    });
    let cross_origin = cookie
        .allow_any_origin
        .iter()
        .map(|_| quote!(cookie.allow_any_origin = true;));
    quote!({
        #[allow(unused_mut)]
        let mut cookie = #private::CookieSpec::new(#name);
        #(cookie.path = #path;)*
        #(cookie.domain = ::core::option::Option::Some(#domain);)*
        #(cookie.same_site = #private::SameSite::#same_site;)*
        #(cookie.secure = #insecure;)*
        #(#unprefixed)*
        #partitioned
        #(#persistent)*
        #clear_site_data
        #origins
        #(#cross_origin)*
        cookie
    })
}

/// Items that fail to compile if a constant breaks a rule.
pub(crate) fn checks(loaders: &[Loader], private: &TokenStream) -> Vec<TokenStream> {
    let mut calls = Vec::new();
    for (index, loader) in loaders.iter().enumerate() {
        let span = loader.keyword.span();
        let mut call = |function: &str, arguments: TokenStream| {
            calls.push(const_check(
                private,
                &rule_named(function),
                &arguments,
                span,
            ));
        };
        match &loader.kind {
            Kind::Header(name @ Text::Constant(_)) => call("header_name", quote!(#name)),
            Kind::Cookie(cookie) => {
                if !cookie.is_literal() {
                    call("cookie", cookie_arguments(cookie));
                }
                for origin in constants(&cookie.origins) {
                    call("origin", quote!(#origin));
                }
                let reasons = [
                    &cookie.insecure,
                    &cookie.unprefixed,
                    &cookie.allow_any_origin,
                ];
                for reason in constants(reasons.into_iter().flatten()) {
                    call("reason", quote!(#reason));
                }
            }
            Kind::Query { name, reason } | Kind::Path { name, reason } => {
                if let Text::Constant(name) = name {
                    let rule = match loader.kind {
                        Kind::Query { .. } => "query_name",
                        _ => "path_name",
                    };
                    call(rule, quote!(#name));
                }
                if let Text::Constant(reason) = reason {
                    call("reason", quote!(#reason));
                }
            }
            Kind::Header(_) | Kind::Bearer | Kind::Custom(_) => {}
        }
        for earlier in &loaders[..index] {
            if let Some((rule, a, b)) = maybe_same_name(&earlier.kind, &loader.kind) {
                call(rule, quote!(#a, #b));
            }
        }
    }
    calls
}

/// `const _: () = const_check::rule(arguments);`, with the span of the option. The rest has the spans of the path
/// to the library.
pub(crate) fn const_check(
    private: &TokenStream,
    rule: &TokenStream,
    arguments: &TokenStream,
    span: Span,
) -> TokenStream {
    let place = end_spans(private).0;
    let function = respan(quote!(#private::const_check::#rule), span);
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments.clone());
    arguments.set_span(span);
    quote_spanned!(place=> const _: () = #function #arguments;)
}

/// The path of a rule. It ends with `::<>` because [`respan`] needs punctuation at the end.
pub(crate) fn rule_named(rule: &str) -> TokenStream {
    let rule = format_ident!("{rule}");
    quote!(#rule::<>)
}

fn constants<'a>(texts: impl IntoIterator<Item = &'a Text>) -> impl Iterator<Item = &'a Text> {
    texts
        .into_iter()
        .filter(|text| matches!(text, Text::Constant(_)))
}

/// The names of two loaders of the same kind, and the rule that compares them, if a name is a
/// constant and so unknown to the macro.
fn maybe_same_name<'a>(a: &'a Kind, b: &'a Kind) -> Option<(&'static str, &'a Text, &'a Text)> {
    let rule = match (a, b) {
        (Kind::Header(_), Kind::Header(_)) => "different_headers",
        (Kind::Cookie(_), Kind::Cookie(_))
        | (Kind::Query { .. }, Kind::Query { .. })
        | (Kind::Path { .. }, Kind::Path { .. }) => "different_names",
        _ => return None,
    };
    let (a, b) = a.name().zip(b.name())?;
    let literal = matches!((a, b), (Text::Literal(_), Text::Literal(_)));
    (!literal).then_some((rule, a, b))
}

fn cookie_arguments(cookie: &Cookie) -> TokenStream {
    let name = &cookie.name;
    let path = cookie
        .path
        .as_ref()
        .map_or_else(|| quote!(#DEFAULT_COOKIE_PATH), |path| quote!(#path));
    let domain = cookie.domain.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |domain| quote!(::core::option::Option::Some(#domain)),
    );
    let secure = cookie.insecure.is_none();
    let same_site_is_none = cookie.same_site == Some("None");
    let partitioned = cookie.partitioned;
    let unprefixed = cookie.unprefixed.is_some();
    quote!(#name, #path, #domain, #secure, #same_site_is_none, #partitioned, #unprefixed)
}

impl Cookie {
    /// Whether all texts are literals, which the macro has already checked.
    fn is_literal(&self) -> bool {
        let mut texts = [Some(&self.name), self.path.as_ref(), self.domain.as_ref()]
            .into_iter()
            .flatten();
        texts.all(|text| matches!(text, Text::Literal(_)))
    }
}
