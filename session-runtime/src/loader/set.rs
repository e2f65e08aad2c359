//! Loaders, compiled for use by every request.

use http::header::{self, HeaderName, HeaderValue};

use super::parse::Ambiguous;
use super::read;
use super::{CookieSpec, DEFAULT_HEADER, Emit, RequestHead, SidSource};
use crate::record::Transport;
use crate::sid::PresentedSid;

/// [`DEFAULT_HEADER`] in the lower case that `HeaderName::from_static` requires.
const LOWER_CASE_DEFAULT_HEADER: &str = "x-user-session";
const _: () = assert!(DEFAULT_HEADER.eq_ignore_ascii_case(LOWER_CASE_DEFAULT_HEADER));

/// The loaders of a config or handler, compiled once: parsed header names and a ready `Vary` value.
#[derive(Debug)]
pub struct LoaderSet {
    loaders: Vec<CompiledSource>,
    /// The response header for loaders that have no counterpart in a response.
    header: HeaderName,
    vary: Option<HeaderValue>,
}

/// A [`SidSource`] with its header name parsed.
#[derive(Debug)]
enum CompiledSource {
    Header(HeaderName),
    Bearer,
    Cookie(CookieSpec),
    Query(&'static str),
    Path(&'static str),
    Custom(fn(&RequestHead<'_>) -> Option<String>),
}

/// Where a response carries the sid: what [`Emit`] stands for in these loaders.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EmitTarget {
    Header(&'static HeaderName),
    Cookie(&'static CookieSpec),
}

/// The result of searching a request for a sid.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// The first well-formed sid, and the index of the loader that found it.
    pub(crate) sid: Option<(PresentedSid, usize)>,
    /// Whether the request has a bearer token, well-formed or not (RFC 6750, 3.1).
    pub(crate) bearer: bool,
}

impl LoaderSet {
    /// Compiles loaders. Skips those with an invalid header name, which the macros and `configure`
    /// reject earlier.
    #[must_use]
    pub fn new(loaders: &[SidSource]) -> Self {
        let loaders: Vec<_> = loaders.iter().filter_map(CompiledSource::new).collect();
        let header = loaders
            .iter()
            .find_map(|loader| match loader {
                CompiledSource::Header(name) => Some(name.clone()),
                _ => None,
            })
            .unwrap_or_else(|| HeaderName::from_static(LOWER_CASE_DEFAULT_HEADER));
        let mut names: Vec<&str> = Vec::new();
        for name in loaders.iter().filter_map(CompiledSource::request_header) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let vary = if names.is_empty() {
            None
        } else {
            HeaderValue::from_str(&names.join(", ")).ok()
        };
        Self {
            loaders,
            header,
            vary,
        }
    }

    /// The same loaders in a config that adopts old sessions: each response depends on the cookies, too.
    pub(crate) fn with_old_cookies(mut self) -> Self {
        let cookie = header::COOKIE.as_str();
        let names = (self.loaders.iter()).filter_map(CompiledSource::request_header);
        if !names.clone().any(|name| name == cookie) {
            let names: Vec<&str> = names.chain([cookie]).collect();
            self.vary = HeaderValue::from_str(&names.join(", ")).ok();
        }
        self
    }

    /// Whether both find the same sid in every request. Each handler with loaders of its own has its
    /// own set, also if it declares the same ones as another handler.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        let same = |(one, other): (&CompiledSource, &CompiledSource)| match (one, other) {
            (CompiledSource::Header(one), CompiledSource::Header(other)) => one == other,
            (CompiledSource::Bearer, CompiledSource::Bearer) => true,
            (CompiledSource::Cookie(one), CompiledSource::Cookie(other)) => one.name == other.name,
            (CompiledSource::Query(one), CompiledSource::Query(other))
            | (CompiledSource::Path(one), CompiledSource::Path(other)) => one == other,
            (CompiledSource::Custom(one), CompiledSource::Custom(other)) => {
                std::ptr::fn_addr_eq(*one, *other)
            }
            _ => false,
        };
        std::ptr::eq(self, other)
            || self.loaders.len() == other.loaders.len()
                && self.loaders.iter().zip(&other.loaders).all(same)
    }

    /// Tries the loaders in order. The first well-formed sid wins, even if the store turns out not
    /// to know it.
    #[inline]
    pub(crate) fn find(&self, head: RequestHead<'_>) -> Result<Found, Ambiguous> {
        let mut found = Found::default();
        for (index, loader) in self.loaders.iter().enumerate() {
            let sid = match loader {
                CompiledSource::Header(name) => match head.0.header_and_more(name) {
                    None => None,
                    Some((value, false)) => PresentedSid::parse_bytes(value.trim_ascii()),
                    Some((_, true)) => read::header(head, name).single(index)?,
                },
                CompiledSource::Bearer => {
                    let (sids, has_token) = read::bearer(head);
                    found.bearer |= has_token;
                    sids.single(index)?
                }
                CompiledSource::Cookie(spec) => read::cookie(head, spec.name).single(index)?,
                CompiledSource::Query(name) => read::query(head, name).single(index)?,
                CompiledSource::Path(name) => head
                    .path_param(name)
                    .and_then(|text| PresentedSid::parse(&text)),
                CompiledSource::Custom(find) => {
                    find(&head).and_then(|text| PresentedSid::parse(&text))
                }
            };
            if let Some(sid) = sid {
                found.sid = Some((sid, index));
                break;
            }
        }
        Ok(found)
    }

    /// How the loader at this index transports a sid.
    #[inline]
    pub(crate) fn transport(&self, index: usize) -> Transport {
        match self.loaders.get(index) {
            Some(CompiledSource::Cookie(_)) => Transport::Cookie,
            _ => Transport::Other,
        }
    }

    /// Where the response carries the sid: at the counterpart of the loader at `index`, or, without
    /// an index, where a new session's sid goes.
    #[inline]
    pub(crate) fn target(&'static self, index: Option<usize>, emit: Option<Emit>) -> EmitTarget {
        let fits = |loader: &&CompiledSource| match emit {
            None => true,
            Some(Emit::Cookie) => matches!(loader, CompiledSource::Cookie(_)),
            Some(Emit::Header) => matches!(loader, CompiledSource::Header(_)),
        };
        let loader = match index {
            Some(index) => self.loaders.get(index),
            None => self
                .loaders
                .iter()
                .find(|loader| loader.is_emitting() && fits(loader)),
        };
        match loader {
            Some(CompiledSource::Header(name)) => EmitTarget::Header(name),
            Some(CompiledSource::Cookie(spec)) => EmitTarget::Cookie(spec),
            _ => EmitTarget::Header(&self.header),
        }
    }

    /// The `Vary` value: the request headers on which the response depends.
    #[inline]
    pub(crate) fn vary(&self) -> Option<&HeaderValue> {
        self.vary.as_ref()
    }

    pub(crate) fn reads_bearer(&self) -> bool {
        self.loaders
            .iter()
            .any(|loader| matches!(loader, CompiledSource::Bearer))
    }

    /// The loaders, for an OpenAPI document.
    pub(crate) fn sources(&'static self) -> impl Iterator<Item = SidSource> {
        self.loaders.iter().map(|loader| match loader {
            CompiledSource::Header(name) => SidSource::Header(name.as_str()),
            CompiledSource::Bearer => SidSource::Bearer,
            CompiledSource::Cookie(spec) => SidSource::Cookie(*spec),
            CompiledSource::Query(name) => SidSource::Query(name),
            CompiledSource::Path(name) => SidSource::Path(name),
            CompiledSource::Custom(find) => SidSource::Custom(*find),
        })
    }

    #[cfg(feature = "axum")]
    pub(crate) fn reads_path(&self) -> bool {
        self.loaders
            .iter()
            .any(|loader| matches!(loader, CompiledSource::Path(_)))
    }
}

impl CompiledSource {
    fn new(loader: &SidSource) -> Option<Self> {
        Some(match *loader {
            SidSource::Header(name) => Self::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
            SidSource::Bearer => Self::Bearer,
            SidSource::Cookie(spec) => Self::Cookie(spec),
            SidSource::Query(name) => Self::Query(name),
            SidSource::Path(name) => Self::Path(name),
            SidSource::Custom(find) => Self::Custom(find),
        })
    }

    /// Whether a response can carry a sid in the place that the loader reads.
    fn is_emitting(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Cookie(_))
    }

    /// The request header that the loader reads.
    fn request_header(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name.as_str()),
            Self::Bearer => Some(header::AUTHORIZATION.as_str()),
            Self::Cookie(_) => Some(header::COOKIE.as_str()),
            Self::Query(_) | Self::Path(_) | Self::Custom(_) => None,
        }
    }
}
