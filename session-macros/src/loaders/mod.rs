//! Loaders, which `session_config!` and `#[session]` have in common.

mod check;
mod cookie;
mod expand;
mod parse;
mod prefix;
mod reason;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Expr;

pub(crate) use check::check;
pub(crate) use cookie::Cookie;
#[cfg(test)]
pub(crate) use cookie::{OPTIONS as COOKIE_OPTIONS, SAME_SITE};
pub(crate) use expand::{checks, const_check, expand, reasons, rule_named};
pub(crate) use parse::{Args, Named, Raw, parse};
pub(crate) use prefix::may_lack_prefix;

use crate::hoist::Hoist;
use crate::text::Text;

/// The kinds of loaders.
pub(crate) const KINDS: &[&str] = &["header", "bearer", "cookie", "query", "path", "custom"];

/// A checked loader: where to look for a sid.
pub(crate) struct Loader {
    pub(crate) keyword: Ident,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Header(Text),
    Bearer,
    Cookie(Box<Cookie>),
    Query { name: Text, reason: Text },
    Path { name: Text, reason: Text },
    Custom(Expr),
}

/// Replaces expressions with generated constants.
pub(crate) fn hoist(loaders: &mut [Loader], private: &TokenStream, hoist: &mut Hoist) {
    for Loader { kind, .. } in loaders {
        let texts: Vec<&mut Text> = match kind {
            Kind::Header(name) => vec![name],
            Kind::Query { name, reason } | Kind::Path { name, reason } => vec![name, reason],
            Kind::Cookie(cookie) => {
                let Cookie {
                    name,
                    path,
                    domain,
                    insecure,
                    unprefixed,
                    origins,
                    allow_any_origin,
                    ..
                } = &mut **cookie;
                let single = [path, domain, insecure, unprefixed, allow_any_origin];
                let texts = single.into_iter().flatten();
                texts.chain(origins).chain([name]).collect()
            }
            Kind::Custom(function) => {
                let found = quote!(::core::option::Option<::std::string::String>);
                let of_type = quote!(fn(&#private::RequestHead<'_>) -> #found);
                hoist.expr(function, &of_type);
                Vec::new()
            }
            Kind::Bearer => Vec::new(),
        };
        for text in texts {
            text.hoist(hoist);
        }
    }
}

impl Kind {
    pub(crate) fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }

    /// The name of the header, cookie or parameter that the loader reads, if it has one.
    fn name(&self) -> Option<&Text> {
        match self {
            Self::Header(name) | Self::Query { name, .. } | Self::Path { name, .. } => Some(name),
            Self::Cookie(cookie) => Some(&cookie.name),
            Self::Bearer | Self::Custom(_) => None,
        }
    }
}

/// The macro in which loaders are written. The suggested fixes differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Config,
    Attribute,
}
