//! Copies everything that a session needs from a request's head in one synchronous step, so that no
//! future borrows the request.

use std::sync::Arc;

use http::header;

use super::{CrossOrigin, Repair, RequestScope};
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
    /// Boxed, because most requests have nothing of it.
    problem: Option<Box<Problem>>,
    /// Whether the request has an `Origin` header.
    pub(crate) has_origin: bool,
    /// What the guards and views of this request share, if there may be several.
    pub(crate) scope: Option<Arc<RequestScope<C>>>,
}

/// What is wrong with the cookies of a request.
struct Problem {
    /// If the cross-origin rule refuses the request.
    cross_origin: Option<Box<CrossOrigin>>,
    /// If the request carries different sids in cookies of one name.
    repair: Option<Arc<Repair>>,
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
    let presented = index.and_then(|index| loaders.cookie(index));
    let target = loaders.target(index, O::EMIT.or(options.emit));
    let created = match target {
        EmitTarget::Cookie(spec) => Some(spec),
        EmitTarget::Header(_) => None,
    };
    let problem = if presented.is_none() && created.is_none() {
        None
    } else {
        Problem::find(head, options, presented, created, found.is_err())
    };
    RequestContext {
        options,
        loaders,
        problem,
        found,
        target,
        is_options: head.method() == "OPTIONS",
        has_origin: head.first(&header::ORIGIN).is_some(),
        scope,
    }
}

impl Problem {
    /// The problem of a request whose sid is sent in a cookie, or would be.
    fn find(
        head: RequestHead<'_>,
        options: &Options,
        presented: Option<&CookieSpec>,
        created: Option<&CookieSpec>,
        is_ambiguous: bool,
    ) -> Option<Box<Self>> {
        let ambiguous = presented.filter(|_| is_ambiguous);
        let problem = Self {
            cross_origin: CrossOrigin::check(head, options, presented, created),
            repair: ambiguous
                .and_then(|spec| Repair::new(spec, head, options.trusted_proxy))
                .map(Arc::new),
        };
        let exists = problem.cross_origin.is_some() || problem.repair.is_some();
        exists.then(|| Box::new(problem))
    }
}

impl<C: SessionConfig> RequestContext<C> {
    /// Why the cross-origin rule refuses the request.
    pub(super) fn cross_origin(&self) -> Option<&CrossOrigin> {
        self.problem.as_ref()?.cross_origin.as_deref()
    }

    /// The repair of the request's cookies, if they have different sids.
    pub(super) fn repair(&self) -> Option<&Arc<Repair>> {
        self.problem.as_ref()?.repair.as_ref()
    }

    /// Emits an event that involves no call to the store.
    pub(super) fn emit_event(&self, id: Option<SessionId>, kind: EventKind<'_>) {
        event::emit(self.options.on_event, C::NAME, id, kind, None);
    }

    /// The error for a request that carries different sids in one place.
    pub(super) fn ambiguity(&self) -> Error {
        Error::ambiguous(self.repair().cloned())
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
