//! The headers that a session adds to a response.

use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, HeaderName, HeaderValue, SET_COOKIE, VARY,
};

use super::Repair;
use super::cache_control::{make_private, make_unstored};
use super::reply_headers::{ReplyHeaders, merge_list};

/// The headers that a response gets because of its session.
///
/// `Cache` is one word wide, because a byte next to words makes copies of the struct slower.
#[derive(Debug, Default, Clone)]
pub(crate) struct SessionHeaders {
    pub(super) vary: Option<&'static HeaderValue>,
    pub(super) cache: Cache,
    /// Boxed, to keep the struct small: few responses carry a sid.
    pub(super) sid: Option<Box<Carrier>>,
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Without `"cookies"`, which would reach those of sibling subdomains.
const SITE_DATA: HeaderValue = HeaderValue::from_static("\"cache\", \"storage\"");

const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Cache {
    /// No session was opened: `Cache-Control` is left alone.
    #[default]
    Unset,
    /// A session was opened: only the client may cache the response, and must revalidate it unless the
    /// handler sets the header.
    Private,
    /// The same, but a header that the handler sets is left alone (`cache = shared`).
    PrivateByDefault,
    /// The response carries a sid, the handler read it, or the request was refused (ASVS 5.0 14.3.2).
    NoStore,
}

/// The header that carries a sid or clears a cookie.
#[derive(Debug, Clone)]
pub(super) enum Carrier {
    Header {
        name: &'static HeaderName,
        value: HeaderValue,
        /// Whether scripts of other origins may read the header.
        expose: bool,
    },
    Cookie(HeaderValue),
    /// Expires the cookie, and makes the browser delete what else it keeps of the site.
    EndedCookie(HeaderValue),
    /// A cookie, after expiring other cookies of the name.
    RepairedCookie(Arc<Repair>, HeaderValue),
    /// Expires every cookie of the name.
    Repair(Arc<Repair>),
    /// Removes the header that an earlier guard has set: its session has ended since.
    Withdrawn(&'static HeaderName),
    /// Expires the cookie of an adopted session, before what carries the new sid.
    Adopted(HeaderValue, Option<Box<Carrier>>),
}

impl SessionHeaders {
    /// The headers for a request without a session.
    pub(crate) fn of_none(vary: Option<&'static HeaderValue>) -> Self {
        Self {
            vary,
            ..Self::default()
        }
    }

    /// Sets the `Vary` value: the request headers on which the response depends.
    pub(crate) fn with_vary(self, vary: Option<&'static HeaderValue>) -> Self {
        Self { vary, ..self }
    }

    /// Leaves a `Cache-Control` that the handler sets alone, unless the response carries a sid.
    pub(crate) fn shared(self) -> Self {
        let cache = match self.cache {
            Cache::Private => Cache::PrivateByDefault,
            cache => cache,
        };
        Self { cache, ..self }
    }

    /// The headers for a request whose session was only viewed.
    #[cfg(feature = "_layer")]
    pub(crate) fn of_view(vary: Option<&'static HeaderValue>) -> Self {
        Self {
            vary,
            cache: Cache::Private,
            sid: None,
        }
    }

    /// Adds expired cookies for those because of which a view was refused.
    #[cfg(feature = "_layer")]
    pub(crate) fn with_repair(self, repair: Option<&Arc<Repair>>) -> Self {
        match repair {
            None => self,
            Some(repair) => Self {
                cache: Cache::NoStore,
                sid: Some(Box::new(Carrier::Repair(repair.clone()))),
                ..self
            },
        }
    }

    /// The headers for a request that was refused.
    pub(crate) fn of_refusal(vary: Option<&'static HeaderValue>) -> Self {
        Self {
            vary,
            cache: Cache::NoStore,
            sid: None,
        }
    }

    /// The headers for a request whose commit failed after the state of these headers was stored.
    pub(crate) fn of_failure(&self, vary: Option<&'static HeaderValue>) -> Self {
        Self {
            vary,
            cache: Cache::NoStore,
            sid: self.sid.clone(),
        }
    }

    /// Whether the headers carry a sid or clear a cookie.
    #[cfg(feature = "poem")]
    pub(crate) fn carries(&self) -> bool {
        self.sid.is_some()
    }

    /// Adds the headers of a refusal to a response that the program made instead. Its `Cache-Control`
    /// stays, unless the headers carry a sid or clear a cookie.
    #[cfg(feature = "rocket")]
    pub(crate) fn fill(mut self, headers: &mut impl ReplyHeaders) {
        if self.sid.is_none() && self.cache == Cache::NoStore {
            self.cache = Cache::Unset;
            headers.set_default(&CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        self.apply(headers);
    }

    /// Adds the headers to those that the handler set.
    pub(crate) fn apply(self, headers: &mut impl ReplyHeaders) {
        if let Some(vary) = self.vary {
            merge_list(headers, &VARY, vary);
        }
        match self.cache {
            Cache::Unset => {}
            Cache::Private => {
                keep_out_of_shared_caches(headers);
                if !headers.set_default(&CACHE_CONTROL, PRIVATE) {
                    keep_private(headers);
                }
            }
            Cache::PrivateByDefault => {
                headers.set_default(&CACHE_CONTROL, PRIVATE);
            }
            Cache::NoStore => {
                keep_out_of_shared_caches(headers);
                headers.set(&CACHE_CONTROL, NO_STORE);
            }
        }
        if let Some(carrier) = self.sid {
            if let Some(cookie) = carrier.cookie() {
                remove_cookies(headers, cookie);
            }
            carrier.add(headers);
        }
    }
}

impl Carrier {
    /// The cookie that the response sets or clears.
    fn cookie(&self) -> Option<&HeaderValue> {
        match self {
            Self::Cookie(value) | Self::EndedCookie(value) | Self::RepairedCookie(_, value) => {
                Some(value)
            }
            Self::Adopted(_, Some(carrier)) => carrier.cookie(),
            _ => None,
        }
    }

    fn add(self, headers: &mut impl ReplyHeaders) {
        match self {
            Self::Header {
                name,
                value,
                expose,
            } => {
                if expose {
                    merge_list(
                        headers,
                        &ACCESS_CONTROL_EXPOSE_HEADERS,
                        &HeaderValue::from(name.clone()),
                    );
                }
                headers.set(name, value);
            }
            Self::Cookie(value) => {
                headers.add(&SET_COOKIE, value);
            }
            Self::EndedCookie(value) => {
                headers.add(&SET_COOKIE, value);
                let name = HeaderName::from_static("clear-site-data");
                merge_list(headers, &name, &SITE_DATA);
            }
            Self::RepairedCookie(repair, value) => {
                // First, because some clients do not distinguish a cookie of one host from one of the
                // domain with the same name.
                for expired in &repair.others {
                    headers.add(&SET_COOKIE, expired.clone());
                }
                headers.add(&SET_COOKIE, value);
            }
            Self::Repair(repair) => repair.apply(headers),
            Self::Withdrawn(name) => headers.retain(name, &|_| false),
            Self::Adopted(expired, carrier) => {
                headers.add(&SET_COOKIE, expired);
                if let Some(carrier) = carrier {
                    carrier.add(headers);
                }
            }
        }
    }
}

/// Removes the cookies of the same name, because an earlier guard may have set them, too.
fn remove_cookies(headers: &mut impl ReplyHeaders, value: &HeaderValue) {
    let end = value.as_bytes().iter().position(|byte| *byte == b'=');
    let name = value.as_bytes().get(..end.map_or(0, |end| end + 1));
    headers.retain(&SET_COOKIE, &|other| {
        !name.is_some_and(|name| other.starts_with(name))
    });
}

impl Repair {
    /// Adds the expired cookies, unless the response sets or expires the cookie already.
    pub(crate) fn apply(&self, headers: &mut impl ReplyHeaders) {
        let texts = headers.texts(&SET_COOKIE);
        let values = texts.iter().filter_map(|text| text.strip_prefix(self.name));
        if !values.into_iter().any(|rest| rest.starts_with('=')) {
            for expired in self.lines() {
                headers.add(&SET_COOKIE, expired.clone());
            }
        }
    }
}

/// Restricts the headers that shared caches obey in place of `Cache-Control`.
#[inline]
fn keep_out_of_shared_caches(headers: &mut impl ReplyHeaders) {
    if headers.any_for_shared_caches() {
        restrict_shared_caches(headers);
    }
}

#[cold]
fn restrict_shared_caches(headers: &mut impl ReplyHeaders) {
    for name in headers.for_shared_caches() {
        if let Some(list) = make_unstored(&headers.texts(&name)) {
            headers.set(&name, HeaderValue::try_from(list).unwrap_or(NO_STORE));
        }
    }
}

/// Keeps a response of a session out of shared caches. The handler's other directives stay.
#[cold]
fn keep_private(headers: &mut impl ReplyHeaders) {
    let lines = headers.texts(&CACHE_CONTROL);
    if let Some(list) = make_private(&lines) {
        headers.set(
            &CACHE_CONTROL,
            HeaderValue::try_from(list).unwrap_or(PRIVATE),
        );
    }
}
