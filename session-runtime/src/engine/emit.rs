//! Decides which headers a session adds to a response.

use std::cmp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{HeaderName, HeaderValue};

use super::guards::GuardIndex;
use super::session_core::{Phase, SessionState, SidToSend};
use super::session_headers::{Cache, Carrier, SessionHeaders};
use super::set_cookie::{Slot, expired_cookie, set_cookie};
use super::{Repair, SessionCore, SidTarget};
use crate::config::{Options, SessionConfig};
use crate::loader::CookieSpec;
use crate::record::Lifetime;
use crate::sid::Sid;

impl<C: SessionConfig> SessionCore<C> {
    /// The headers for the current state of the session, or of one that has replaced it.
    #[inline]
    pub(super) fn headers(&self, guard: GuardIndex, state: &SessionState<C>) -> SessionHeaders {
        match &state.replaced_by {
            None => self.own_headers(guard, state),
            Some(next) => {
                Self::latest_headers(next.clone()).unwrap_or_else(|| self.own_headers(guard, state))
            }
        }
    }

    /// The headers of the latest session that replaced another one and was stored.
    #[cold]
    fn latest_headers(mut next: Arc<Self>) -> Option<SessionHeaders> {
        let mut headers = None;
        loop {
            let state = next.state();
            if matches!(
                state.phase,
                Phase::Stored(_) | Phase::Ended { destroyed: true }
            ) {
                // Its guards are inside of the one that closes.
                headers = Some(next.own_headers(0, &state));
            }
            let Some(replaced_by) = state.replaced_by.clone() else {
                break;
            };
            drop(state);
            next = replaced_by;
        }
        headers
    }

    #[allow(
        clippy::inline_always,
        reason = "every request with a session calls it"
    )]
    #[inline(always)]
    fn own_headers(&self, guard: GuardIndex, state: &SessionState<C>) -> SessionHeaders {
        let emitted = match state.sid_to_send {
            SidToSend::None => None,
            SidToSend::Current => Some(state.sid),
            SidToSend::Offered => state.offer.as_deref().copied(),
        };
        let sid = match &self.target {
            // The outermost guard's response carries the sid.
            _ if !state.guards.is_outermost(guard) => None,
            SidTarget::Header(name) => match (emitted, &state.phase) {
                (Some(sid), Phase::Stored(_)) => carry_header(name, sid, self.has_origin),
                (_, Phase::Ended { .. }) if self.sid_sent.load(Ordering::Relaxed) => {
                    Some(Box::new(Carrier::Withdrawn(name)))
                }
                _ => None,
            },
            SidTarget::Cookie(spec, faults) => {
                let repair = faults.as_ref().and_then(|faults| faults.repair.as_ref());
                self.cookie(spec, repair, emitted, state)
            }
        };
        let sid = match &state.adopted {
            Some(adopted) if state.guards.is_outermost(guard) => {
                adopted.with_expired_cookie(sid, &state.phase)
            }
            _ => sid,
        };
        if sid.is_some() {
            self.sid_sent.store(true, Ordering::Relaxed);
        }
        let cache = if sid.is_some() || self.sid_read.load(Ordering::Relaxed) {
            Cache::NoStore
        } else {
            Cache::Private
        };
        SessionHeaders {
            vary: None,
            cache,
            sid,
        }
    }

    /// The cookie that carries a sid or is expired, and expired cookies for others of the name.
    #[inline(never)]
    fn cookie(
        &self,
        spec: &CookieSpec,
        repair: Option<&Arc<Repair>>,
        emitted: Option<Sid>,
        state: &SessionState<C>,
    ) -> Option<Box<Carrier>> {
        let cookie = match (emitted, &state.phase) {
            (Some(sid), Phase::Stored(_)) => {
                let now = self.store.now();
                let left = match state.deadlines {
                    Some(deadlines) => deadlines.absolute_until.saturating_since(now),
                    None => state.lifetime.absolute(),
                };
                let is_persistent = is_persistent(spec, state.lifetime, self.options);
                let max_age = is_persistent.then_some(left);
                Some(set_cookie(spec, &sid.expose(), max_age))
            }
            (_, Phase::Ended { destroyed: true }) => {
                Some(expired_cookie(spec, Slot::declared(spec)))
            }
            _ => None,
        };
        let carrier = match (cookie.and_then(secret), repair.cloned()) {
            (None, None) => return None,
            (None, Some(repair)) => Carrier::Repair(repair),
            (Some(value), None)
                if spec.clear_site_data && matches!(state.phase, Phase::Ended { .. }) =>
            {
                Carrier::EndedCookie(value)
            }
            (Some(value), None) => Carrier::Cookie(value),
            (Some(value), Some(repair)) => Carrier::RepairedCookie(repair, value),
        };
        Some(Box::new(carrier))
    }
}

/// Whether a browser keeps the cookie after it was closed: a session that lives longer than usual is
/// remembered, one that lives shorter is not, and for the others the config decides.
fn is_persistent(spec: &CookieSpec, lifetime: Lifetime, options: &Options) -> bool {
    let usual = Lifetime::new(options.idle_timeout, options.absolute_timeout);
    let length = |lifetime: Lifetime| (lifetime.absolute_millis(), lifetime.idle_millis());
    match length(lifetime).cmp(&length(usual)) {
        cmp::Ordering::Less => false,
        cmp::Ordering::Equal => spec.persistent,
        cmp::Ordering::Greater => true,
    }
}

fn carry_header(name: &'static HeaderName, sid: Sid, expose: bool) -> Option<Box<Carrier>> {
    Some(Box::new(Carrier::Header {
        name,
        value: secret(sid.expose())?,
        expose,
    }))
}

/// A header value that is marked as sensitive. Never `None`: a sid is 64 characters of base64url, and
/// the names and attributes of cookies were validated with the config.
fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
