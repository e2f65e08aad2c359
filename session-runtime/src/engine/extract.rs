//! Copies everything that a session needs from a request's head in one synchronous step, so that no
//! future borrows the request.

use std::sync::Arc;
use std::time::Duration;

use http::header;

use super::{CrossOrigin, RequestScope, SidTarget};
use crate::adopt::RequestHeaders;
use crate::config::{OnUndecodable, Options, SessionConfig, prepared};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::loader::{Ambiguous, CookieSpec, Emit, EmitTarget, Found, LoaderSet, RequestHead};
use crate::record::FIRST_LEVEL;
use crate::sid::SessionId;

/// A handler's overrides of its config.
pub trait Overrides: Send + Sync + 'static {
    /// Whether the handler may pass its request on to another handler with a session, as middleware
    /// does. Its guard then shares the session with the guards inside it.
    const MAY_FORWARD: bool = false;
    /// How the sid of a new session is sent.
    const EMIT: Option<Emit> = None;
    /// What a load does if the stored data does not match the type; `None` for what the config says.
    const ON_UNDECODABLE: Option<OnUndecodable> = None;
    /// How long ago the user may have proved who they are; `None` for any time.
    const FRESH: Option<Duration> = None;
    /// The level that the session needs, if the handler needs a login.
    const LEVEL: u8 = FIRST_LEVEL;

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
    /// The headers whose cookies may hold the id of an old session, if the request has no sid and the config
    /// adopts old sessions. Boxed, because few requests have them.
    pub(super) old_request: Option<Box<OldRequest>>,
    /// Where the response carries a sid.
    pub(crate) target: SidTarget,
    pub(crate) is_options: bool,
    pub(super) is_head: bool,
    pub(super) on_undecodable: OnUndecodable,
    /// Whether the request has an `Origin` header.
    pub(crate) has_origin: bool,
    /// The scope that the guards and views of this request share, if there may be several.
    pub(crate) scope: Option<Arc<RequestScope<C>>>,
}

/// The headers of a request whose cookies may hold the id of an old session.
pub(crate) struct OldRequest {
    pub(super) headers: RequestHeaders,
    /// Why the request may not use a session cookie, if it may not.
    pub(super) cross_origin: Option<CrossOrigin>,
}

impl OldRequest {
    #[inline(never)]
    fn of(head: RequestHead<'_>, target: &SidTarget, options: &Options) -> Option<Box<Self>> {
        const ANY_COOKIE: CookieSpec = CookieSpec::new("");
        let spec = match target {
            SidTarget::Header(_) => &ANY_COOKIE,
            SidTarget::Cookie(spec, _) => spec,
        };
        Some(Box::new(Self {
            headers: RequestHeaders::of(head)?,
            cross_origin: CrossOrigin::check_cookie(head, options, spec),
        }))
    }
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
        Ok(found) => found.sid.map(|(_, index)| index),
        Err(ambiguous) => Some(ambiguous.loader),
    };
    let target = match loaders.target(index, O::EMIT.or(options.emit)) {
        EmitTarget::Header(name) => SidTarget::Header(name),
        EmitTarget::Cookie(spec) => SidTarget::cookie(spec, head, options, found.is_err()),
    };
    let old_request = if C::ADOPTS && matches!(found, Ok(Found { sid: None, .. })) {
        OldRequest::of(head, &target, options)
    } else {
        None
    };
    let method = head.method();
    RequestContext {
        options,
        loaders,
        found,
        old_request,
        target,
        is_options: method == "OPTIONS",
        is_head: method == "HEAD",
        on_undecodable: O::ON_UNDECODABLE.unwrap_or(options.on_undecodable),
        has_origin: head.first(&header::ORIGIN).is_some(),
        scope,
    }
}

impl<C: SessionConfig> RequestContext<C> {
    /// Emits an event that involves no call to the store.
    pub(super) fn emit_event(&self, id: Option<SessionId>, kind: EventKind<'_>) {
        event::emit(self.options.on_event, C::NAME, id, kind, None);
    }

    /// The error for a request that carries different sids in one place.
    pub(super) fn ambiguity(&self) -> Error {
        let repair = self.target.repair();
        Error::ambiguous(repair.map_or_else(Vec::new, |repair| repair.lines().cloned().collect()))
    }

    /// Whether the request has passed the app-wide layer.
    pub(crate) fn has_layer(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.has_layer())
    }

    /// Whether the request has at least one sid.
    pub(super) fn presents_sid(&self) -> bool {
        self.found.is_ok_and(|found| found.sid.is_some()) || self.found.is_err()
    }

    /// The error for a request without a live session.
    pub(crate) fn no_session_error(&self) -> Error {
        Error::of(if self.presents_sid() {
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
