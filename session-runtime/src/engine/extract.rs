//! Copies everything that a session needs from a request's head in one synchronous step, so that no
//! future borrows the request.

use std::sync::Arc;

use http::header::{self, HeaderName};

use super::RequestScope;
use crate::config::{Options, SessionConfig, prepared};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::loader::{Ambiguous, CookieSpec, Emit, EmitTarget, Found, LoaderSet, RequestHead};
use crate::sid::SessionId;

/// A handler's overrides of its config.
pub trait Overrides: Send + Sync + 'static {
    /// Whether the handler may pass its request on to another handler with a session, as middleware
    /// does. Its guard then shares the session with the guards inside it.
    const MAY_FORWARD: bool = false;
    /// How the sid of a new session is sent.
    const EMIT: Option<Emit> = None;

    /// The handler's own loaders; `None` for those of the config.
    #[must_use]
    fn loaders() -> Option<&'static LoaderSet> {
        None
    }
}

/// The extracted parts of a request's head.
pub(crate) struct RequestContext<C: SessionConfig> {
    pub(crate) options: &'static Options,
    pub(crate) loaders: &'static LoaderSet,
    pub(crate) found: Result<Found, Ambiguous>,
    /// Where the response carries a sid.
    pub(crate) target: EmitTarget,
    pub(crate) is_options: bool,
    pub(crate) cross_origin: CrossOrigin,
    /// Whether the request has an `Origin` header.
    pub(crate) has_origin: bool,
    /// What the guards and views of this request share, if there may be several.
    pub(crate) scope: Option<Arc<RequestScope<C>>>,
}

/// Whether the cross-origin rule refuses the request. It only applies to cookies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrossOrigin {
    /// By the rule of the cookie that carried the sid.
    pub(crate) presented: bool,
    /// By the rule of the cookie that would carry the sid of a new session.
    pub(crate) created: bool,
}

/// The loaders of a handler: its own, or those of its config.
pub(crate) fn loaders<C: SessionConfig, O: Overrides>() -> &'static LoaderSet {
    O::loaders().unwrap_or(&prepared::<C>().loaders)
}

pub(crate) fn extract<C: SessionConfig, O: Overrides>(
    head: RequestHead<'_>,
    scope: Option<Arc<RequestScope<C>>>,
) -> RequestContext<C> {
    let options = &prepared::<C>().options;
    let loaders = loaders::<C, O>();
    let found = loaders.find(head);
    let index = match &found {
        Ok(found) => found.sid.as_ref().map(|(_, index)| *index),
        Err(Ambiguous) => None,
    };
    let target = loaders.target(index, O::EMIT.or(options.emit));
    let is_refused =
        |spec: Option<&CookieSpec>| spec.is_some_and(|spec| crosses_origin(head, spec));
    RequestContext {
        options,
        loaders,
        cross_origin: CrossOrigin {
            presented: is_refused(index.and_then(|index| loaders.cookie(index))),
            created: is_refused(match target {
                EmitTarget::Cookie(spec) => Some(spec),
                EmitTarget::Header(_) => None,
            }),
        },
        found,
        target,
        is_options: head.method() == "OPTIONS",
        has_origin: head.first(&header::ORIGIN).is_some(),
        scope,
    }
}

impl<C: SessionConfig> RequestContext<C> {
    /// Emits an event that involves no call to the store.
    pub(super) fn emit_event(&self, id: Option<SessionId>, kind: EventKind<'_>) {
        event::emit(self.options.on_event, C::NAME, id, kind, None);
    }

    /// The error for a request without a live session.
    pub(crate) fn absence(&self) -> Error {
        let presented = self.found.is_ok_and(|found| found.sid.is_some());
        Error::new(if presented {
            ErrorKind::Unknown
        } else {
            ErrorKind::Missing
        })
    }

    /// The `WWW-Authenticate` challenge of a 401: `Bearer` if the handler reads bearer tokens
    /// (RFC 6750, 3), otherwise the generic `Session`.
    pub(crate) fn challenge(&self) -> &'static str {
        let has_token = self.found.is_ok_and(|found| found.bearer);
        match (self.loaders.reads_bearer(), has_token) {
            (true, true) => r#"Bearer error="invalid_token""#,
            (true, false) => "Bearer",
            (false, _) => "Session",
        }
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a state-changing request comes from another origin. Browsers send `Sec-Fetch-Site` (Fetch
/// Metadata) or at least `Origin`; a request with neither does not come from a browser.
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

/// Whether an origin such as `https://example.com:8443` is the host of the request.
fn is_host(origin: &[u8], head: RequestHead<'_>) -> bool {
    let authority = [&b"https://"[..], b"http://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    matches!((authority, head.host()), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}
