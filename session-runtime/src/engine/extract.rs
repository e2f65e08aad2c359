//! Everything that a session needs of a request's head, taken in one synchronous step: no future
//! of ours holds a request.

use std::sync::Arc;

use http::header::{self, HeaderName};

use super::LoadCache;
use crate::config::{Options, SessionConfig, prepared};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::loader::{Ambiguous, CookieSpec, Emit, EmitTarget, Found, LoaderSet, RequestHead};
use crate::sid::SessionId;

/// What one handler says other than its config.
pub trait Overrides: Send + Sync + 'static {
    /// Where a first sid is sent.
    const EMIT: Option<Emit> = None;

    /// Loaders of its own; `None` for those of the config.
    #[must_use]
    fn loaders() -> Option<&'static LoaderSet> {
        None
    }
}

/// What the head of a request says.
pub(crate) struct RequestContext<C: SessionConfig> {
    pub(crate) options: &'static Options,
    pub(crate) loaders: &'static LoaderSet,
    pub(crate) found: Result<Found, Ambiguous>,
    /// Where an answer with a sid goes.
    pub(crate) target: EmitTarget,
    pub(crate) is_options: bool,
    /// The request would change something and comes from another origin with, or for, a cookie.
    pub(crate) foreign: CrossOrigin,
    /// A page of some origin sent the request.
    pub(crate) has_origin: bool,
    /// What an app-wide layer brought.
    pub(crate) layer: Option<Arc<LoadCache<C>>>,
}

/// Whether the cross-origin rule refuses the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrossOrigin {
    /// Its sid came by a cookie.
    pub(crate) sent: bool,
    /// A new sid would be sent as a cookie.
    pub(crate) created: bool,
}

/// The loaders of a handler.
pub(crate) fn loaders<C: SessionConfig, O: Overrides>() -> &'static LoaderSet {
    O::loaders().unwrap_or(&prepared::<C>().loaders)
}

pub(crate) fn extract<C: SessionConfig, O: Overrides>(
    head: RequestHead<'_>,
    layer: Option<Arc<LoadCache<C>>>,
) -> RequestContext<C> {
    let options = &prepared::<C>().options;
    let loaders = loaders::<C, O>();
    let found = loaders.find(head);
    let place = found
        .ok()
        .and_then(|found| found.sid)
        .map(|(_, place)| place);
    let target = loaders.target(place, O::EMIT.or(options.emit));
    let foreign = |spec: Option<&CookieSpec>| spec.is_some_and(|spec| crosses_origin(head, spec));
    RequestContext {
        options,
        loaders,
        foreign: CrossOrigin {
            sent: foreign(place.and_then(|place| loaders.cookie(place))),
            created: foreign(match target {
                EmitTarget::Cookie(spec) => Some(spec),
                EmitTarget::Header(_) => None,
            }),
        },
        found,
        target,
        is_options: head.method() == "OPTIONS",
        has_origin: head.first(&header::ORIGIN).is_some(),
        layer,
    }
}

impl<C: SessionConfig> RequestContext<C> {
    /// Emits an event for which the store was not asked.
    pub(super) fn emit_event(&self, id: Option<SessionId>, kind: EventKind<'_>) {
        event::emit(self.options.on_event, C::NAME, id, kind, None);
    }

    /// Why there is no session.
    pub(crate) fn absence(&self) -> Error {
        let sent = self.found.is_ok_and(|found| found.sid.is_some());
        Error::new(if sent {
            ErrorKind::Unknown
        } else {
            ErrorKind::Missing
        })
    }

    /// How a client that was refused is to authenticate: as a bearer where that is read (RFC 6750,
    /// 3), else by a scheme that says no more than that a session is needed.
    pub(crate) fn challenge(&self) -> &'static str {
        let sent = self.found.is_ok_and(|found| found.bearer);
        match (self.loaders.reads_bearer(), sent) {
            (true, true) => r#"Bearer error="invalid_token""#,
            (true, false) => "Bearer",
            (false, _) => "Session",
        }
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that may change something comes from another origin. Browsers say so
/// themselves (Fetch Metadata, and `Origin`); what says neither is no browser.
pub(crate) fn crosses_origin(head: RequestHead<'_>, spec: &CookieSpec) -> bool {
    if spec.allow_any_origin || matches!(head.method(), "GET" | "HEAD" | "OPTIONS") {
        return false;
    }
    let origin = head.first(&header::ORIGIN);
    if origin.is_some_and(|origin| {
        spec.origins
            .iter()
            .any(|listed| listed.as_bytes().eq_ignore_ascii_case(origin))
    }) {
        return false;
    }
    match (head.first(&SEC_FETCH_SITE), origin) {
        (Some(site), _) => !matches!(site.trim_ascii(), b"same-origin" | b"none"),
        (None, Some(origin)) => !is_host(origin, head),
        (None, None) => false,
    }
}

/// Whether an origin such as `https://example.com:8443` names the host that was asked.
fn is_host(origin: &[u8], head: RequestHead<'_>) -> bool {
    let authority = [&b"https://"[..], b"http://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    matches!((authority, head.host()), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}
