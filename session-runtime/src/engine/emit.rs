//! The headers that a session adds to the response.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, Entry, HeaderMap, HeaderName, HeaderValue,
    SET_COOKIE, VARY,
};

use super::SessionCore;
use super::cache_control::make_private;
use super::session_core::{Emit, Phase, SessionState};
use crate::config::SessionConfig;
use crate::loader::{CookieSpec, EmitTarget};
use crate::sid::Sid;

/// The headers that a response gets because of its session.
///
/// `Cache` is one word wide, because a byte next to words makes copies of the struct slower.
#[derive(Debug, Default, Clone)]
pub(crate) struct Emission {
    vary: Option<&'static HeaderValue>,
    cache: Cache,
    /// Boxed, to keep the struct small: few responses carry a sid.
    sid: Option<Box<Carrier>>,
}

const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Cache {
    /// No session was opened: `Cache-Control` is left alone.
    #[default]
    Unset,
    /// A session was opened: only its client may cache the response, and must revalidate it unless the
    /// handler says for how long it is fresh.
    Private,
    /// The same, unless the handler sets the header: it shares its response on purpose.
    PrivateByDefault,
    /// The response carries a sid, the handler read it, or the request was refused (ASVS 5.0 14.3.2).
    NoStore,
}

/// The header that carries a sid or clears a cookie.
#[derive(Debug, Clone)]
enum Carrier {
    Header {
        name: &'static HeaderName,
        value: HeaderValue,
        /// Whether scripts of other origins may read the header.
        expose: bool,
    },
    Cookie(HeaderValue),
    /// An earlier guard of the request has sent the sid of a session that has ended since.
    Withdrawn(&'static HeaderName),
}

impl<C: SessionConfig> SessionCore<C> {
    /// The headers for the current state of the session, or of one that has replaced it.
    #[inline]
    pub(super) fn emission(&self, state: &SessionState<C>) -> Emission {
        match &state.replaced_by {
            None => self.own_emission(state),
            Some(next) => {
                Self::latest_emission(next.clone()).unwrap_or_else(|| self.own_emission(state))
            }
        }
    }

    #[cold]
    fn latest_emission(next: Arc<Self>) -> Option<Emission> {
        let mut emission = None;
        let mut replaced_by = Some(next);
        while let Some(next) = replaced_by {
            let state = next.state();
            // A new session counts when it is stored.
            if matches!(
                state.phase,
                Phase::Stored(_) | Phase::Ended { destroyed: true }
            ) {
                emission = Some(next.own_emission(&state));
            }
            replaced_by = state.replaced_by.clone();
        }
        emission
    }

    #[allow(
        clippy::inline_always,
        reason = "every request with a session calls it"
    )]
    #[inline(always)]
    fn own_emission(&self, state: &SessionState<C>) -> Emission {
        let emitted = match state.emit {
            Emit::Nothing => None,
            Emit::Sid => Some(state.sid),
            Emit::Offer => state.offer.as_deref().copied(),
        };
        let sid = match (emitted, self.target, &state.phase) {
            // The outermost guard's response carries the sid.
            _ if state.guards.any_open() => None,
            (Some(sid), EmitTarget::Header(name), Phase::Stored(_)) => {
                carry_header(name, sid, self.has_origin)
            }
            (Some(sid), EmitTarget::Cookie(spec), Phase::Stored(_)) => {
                let now = self.store.now();
                let left = match state.deadlines {
                    Some(deadlines) => deadlines.absolute_until.saturating_since(now),
                    None => state.lifetime.absolute(),
                };
                carry_cookie(set_cookie(spec, &sid.expose(), left))
            }
            (_, EmitTarget::Cookie(spec), Phase::Ended { destroyed: true }) => {
                carry_cookie(clear_cookie(spec))
            }
            (_, EmitTarget::Header(name), Phase::Ended { .. })
                if self.sid_sent.load(Ordering::Relaxed) =>
            {
                Some(Box::new(Carrier::Withdrawn(name)))
            }
            _ => None,
        };
        if sid.is_some() {
            self.sid_sent.store(true, Ordering::Relaxed);
        }
        let cache = if sid.is_some() || self.sid_read.load(Ordering::Relaxed) {
            Cache::NoStore
        } else {
            Cache::Private
        };
        Emission {
            vary: None,
            cache,
            sid,
        }
    }
}

impl Emission {
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

    /// The headers for a request that was refused.
    pub(crate) fn of_refusal(vary: Option<&'static HeaderValue>) -> Self {
        Self {
            vary,
            cache: Cache::NoStore,
            sid: None,
        }
    }

    /// The headers for a request whose commit failed, after it had stored what these headers say.
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

    /// Adds the headers of a refusal to a response that the program made nevertheless: without a sid,
    /// its `Cache-Control` stays.
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
                if !headers.set_default(&CACHE_CONTROL, PRIVATE) {
                    keep_private(headers);
                }
            }
            Cache::PrivateByDefault => {
                headers.set_default(&CACHE_CONTROL, PRIVATE);
            }
            Cache::NoStore => headers.set(&CACHE_CONTROL, HeaderValue::from_static("no-store")),
        }
        match self.sid.map(|carrier| *carrier) {
            None => {}
            Some(Carrier::Header {
                name,
                value,
                expose,
            }) => {
                if expose {
                    merge_list(
                        headers,
                        &ACCESS_CONTROL_EXPOSE_HEADERS,
                        &HeaderValue::from(name.clone()),
                    );
                }
                headers.set(name, value);
            }
            Some(Carrier::Cookie(value)) => {
                // A response never sets a cookie twice: an earlier guard may have set it, too.
                let end = value.as_bytes().iter().position(|byte| *byte == b'=');
                let name = value.as_bytes().get(..end.map_or(0, |end| end + 1));
                headers.retain(&SET_COOKIE, &|other| {
                    !name.is_some_and(|name| other.starts_with(name))
                });
                headers.add(&SET_COOKIE, value);
            }
            Some(Carrier::Withdrawn(name)) => headers.retain(name, &|_| false),
        }
    }
}

/// The headers of a response, in the type of any framework.
pub(crate) trait ReplyHeaders {
    /// The values of a header that are text, in order.
    fn texts(&self, name: &HeaderName) -> Vec<&str>;
    /// Sets a header, and replaces all its values.
    fn set(&mut self, name: &HeaderName, value: HeaderValue);
    /// Sets a header unless it already has a value. Returns whether it was set.
    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool;
    /// Appends a value to a header. Returns whether the header already had one.
    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool;
    /// Removes the values of a header that are not to be kept.
    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool);
}

impl ReplyHeaders for HeaderMap {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        let values = self.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        self.insert(name, value);
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        match self.entry(name) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
        }
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        self.append(name, value)
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let values = self.get_all(name).iter();
        let kept: Vec<_> = (values.filter(|value| keeps(value.as_bytes())))
            .cloned()
            .collect();
        self.remove(name);
        for value in kept {
            self.append(name, value);
        }
    }
}

/// Keeps a response of a session out of shared caches, whatever else the handler says about caches.
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

fn carry_header(name: &'static HeaderName, sid: Sid, expose: bool) -> Option<Box<Carrier>> {
    Some(Box::new(Carrier::Header {
        name,
        value: secret(sid.expose())?,
        expose,
    }))
}

fn carry_cookie(text: String) -> Option<Box<Carrier>> {
    Some(Box::new(Carrier::Cookie(secret(text)?)))
}

/// A header value that is marked as sensitive. Never `None`: a sid is 64 characters of base64url, and
/// the names and attributes of cookies were validated with the config.
fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn set_cookie(spec: &CookieSpec, value: &str, left: Duration) -> String {
    let mut text = format!("{}={value}", spec.name);
    attributes(spec, &mut text);
    if spec.persistent {
        text.push_str("; Max-Age=");
        text.push_str(&left.as_secs().to_string());
    }
    text
}

/// The same cookie, already expired: browsers identify a cookie by name, path and domain.
fn clear_cookie(spec: &CookieSpec) -> String {
    let mut text = format!("{}=", spec.name);
    attributes(spec, &mut text);
    text.push_str("; Max-Age=0");
    text
}

fn attributes(spec: &CookieSpec, text: &mut String) {
    text.push_str("; Path=");
    text.push_str(spec.path);
    if let Some(domain) = spec.domain {
        text.push_str("; Domain=");
        text.push_str(domain);
    }
    if spec.secure {
        text.push_str("; Secure");
    }
    text.push_str("; HttpOnly; SameSite=");
    text.push_str(spec.same_site.as_str());
    if spec.partitioned {
        text.push_str("; Partitioned");
    }
}

/// Adds names to a comma-separated header, without duplicates.
fn merge_list(headers: &mut impl ReplyHeaders, header: &HeaderName, names: &HeaderValue) {
    // Usually, the header was not set yet.
    if !headers.add(header, names.clone()) {
        return;
    }
    let lists = headers.texts(header);
    let names = lists.iter().flat_map(|list| list.split(','));
    let mut merged: Vec<&str> = Vec::new();
    for name in names.map(str::trim) {
        if !(merged.iter()).any(|other| other.eq_ignore_ascii_case(name)) {
            merged.push(name);
        }
    }
    if *header == VARY && merged.contains(&"*") {
        merged = vec!["*"];
    }
    if let Ok(list) = HeaderValue::try_from(merged.join(", ")) {
        headers.set(header, list);
    }
}
