//! What a request remembers of an adopted session.

use std::time::Duration;

use http::header::HeaderValue;

use crate::engine::session_core::Phase;
use crate::engine::session_headers::Carrier;
use crate::record::Renewal;
use crate::sid::{HashedSid, Sid};

/// The state of an adopted session that its request opened with the old cookie.
pub(crate) struct AdoptedState {
    /// What opens the record in place of a sid; `None` once the session has a new sid.
    pub(in crate::engine) adopter: Option<HashedSid>,
    /// How long the old cookie works after the first use of the new sid.
    pub(in crate::engine) grace: Duration,
    /// Expires the old cookie.
    pub(in crate::engine) expired_cookie: Option<HeaderValue>,
}

impl AdoptedState {
    /// The offer of this sid, once more: the latest response to be sent carries the one that works.
    pub(in crate::engine) fn renew_offer(&self, sid: &Sid) -> Renewal {
        Renewal {
            every: Duration::ZERO,
            grace: self.grace,
            candidate: sid.secret_hash(),
        }
    }

    /// Expires the old cookie in a response that carries the new sid, or that ends the session.
    pub(in crate::engine) fn with_expired_cookie<D>(
        &self,
        sid: Option<Box<Carrier>>,
        phase: &Phase<D>,
    ) -> Option<Box<Carrier>> {
        let is_over = sid.is_some() || matches!(phase, Phase::Ended { destroyed: true });
        match self.expired_cookie.clone().filter(|_| is_over) {
            Some(expired) => Some(Box::new(Carrier::Adopted(expired, sid))),
            None => sid,
        }
    }
}
