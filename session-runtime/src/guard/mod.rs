//! The parts that the attribute puts around a handler: a guard that opens the session before it, and a
//! commit and a reply after it.

mod by_status;
mod commit;
pub(crate) mod failure;
mod mode;
mod rejection;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::config::{Commit, SessionConfig};
use crate::engine::{self, Committable, OpenOutcome, Overrides, Purpose, RequestContext, loaders};
use crate::error::{Error, ErrorKind};
use crate::session::Session;

#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use by_status::Deferred;
pub(crate) use by_status::StatusKnown;
#[cfg(any(
    feature = "axum",
    feature = "poem",
    feature = "salvo",
    feature = "actix-web",
    feature = "rocket"
))]
pub(crate) use by_status::is_success;
pub(crate) use by_status::unknown_status;
pub use by_status::{
    Answer, Conversions, Convert, EarlyResponse, Probe, ViaAxum, ViaNothing, ViaPoem,
};
pub use commit::{Committer, HandlerReply, PendingReply, SessionReply, reply, reply_http};
pub use failure::{
    Complete, Judged, Look, LookFallback, NoValues, Stuck, Unreadable, Values, examine, has_failed,
};
pub use mode::{
    CompatibleWith, Create, CreateLazily, Load, Mode, RequiresLogin, SessionArg, must_require_login,
};
pub use rejection::Rejection;

/// The overrides of a handler that declares none.
#[derive(Debug)]
pub struct Inherit;

impl Overrides for Inherit {}

/// The overrides of a handler that declares none, and may pass its request on.
#[derive(Debug)]
pub struct InheritForwarding;

impl Overrides for InheritForwarding {
    const MAY_FORWARD: bool = true;
}

/// The session argument of a handler, as the framework extracts it.
pub struct SessionGuard<S, M, O = Inherit> {
    session: S,
    /// Boxed, to keep every guard small.
    rare: Option<Box<Rare>>,
    marker: PhantomData<fn() -> (M, O)>,
}

/// What few guards need.
struct Rare {
    /// Set if the argument is `None` in a request with other guards.
    without_session: Option<Arc<dyn Committable>>,
    /// Set if the status of the response decides about the commit.
    by_status: Option<StatusKnown>,
}

impl Rare {
    #[cold]
    fn new<C: SessionConfig>(
        context: &RequestContext<C>,
        is_none: bool,
        known: StatusKnown,
    ) -> Self {
        let without_session = if is_none {
            engine::commit_without_session(context)
        } else {
            None
        };
        Self {
            without_session,
            by_status: (context.options.commit == Commit::OnSuccess).then_some(known),
        }
    }
}

impl<S, M, O> fmt::Debug for SessionGuard<S, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGuard").finish_non_exhaustive()
    }
}

/// Opens the session. `known` is when the framework knows the status of the response.
pub(crate) fn open<S: SessionArg, M: Mode, O: Overrides>(
    context: &RequestContext<S::Config>,
    known: StatusKnown,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send {
    async move {
        let by_status = context.options.commit == Commit::OnSuccess;
        if by_status && known == StatusKnown::InLayer && !context.has_layer() {
            return Err(Rejection::refuse(context, unknown_status()));
        }
        let purpose = match (M::CREATES, S::OPTIONAL) {
            (true, _) if M::IS_LAZY => Purpose::CreateLazily,
            (true, _) => Purpose::Create,
            (false, false) => Purpose::LoadRequired,
            (false, true) => Purpose::LoadOptional,
        };
        let opened = match engine::open_sync(context, purpose) {
            Some(opened) => opened,
            // Boxed, so that the future of every request stays small.
            None => Box::pin(engine::open(context, purpose)).await,
        };
        let session = match opened {
            Ok(OpenOutcome::Session(start)) if S::NEEDS_LOGIN => {
                let session = Session::opened(start);
                match session.check_login(O::FRESH, O::LEVEL) {
                    Ok(()) => Some(session),
                    Err(_) if S::OPTIONAL => None,
                    Err(error) => return Err(Rejection::refuse(context, error)),
                }
            }
            Ok(OpenOutcome::Session(start)) => Some(Session::opened(start)),
            Ok(OpenOutcome::None) => None,
            Ok(OpenOutcome::NoContent) => {
                return Err(Rejection::no_content(context.loaders.vary()));
            }
            Err(error) => return Err(Rejection::refuse(context, error)),
        };
        let Some(mut session) = S::from_session(session) else {
            return Err(Rejection::refuse(context, Error::of(ErrorKind::Missing)));
        };
        let is_none = S::OPTIONAL && context.scope.is_some() && session.session_mut().is_none();
        let is_rare = is_none || context.options.commit == Commit::OnSuccess;
        Ok(SessionGuard {
            session,
            rare: if is_rare {
                Some(Box::new(Rare::new(context, is_none, known)))
            } else {
                None
            },
            marker: PhantomData,
        })
    }
}

/// Splits a guard into the handler's argument and its committer.
///
/// Like everything that each handler calls, it is forced into the handler in a release build only: in a debug build,
/// which inlines nothing else, the compiler would translate it anew for each handler.
#[allow(
    clippy::inline_always,
    reason = "moves the session into the handler without a copy in between"
)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn split<S: SessionArg, M: CompatibleWith<S>, O: Overrides>(
    guard: SessionGuard<S, M, O>,
) -> (S, Committer) {
    let mut session = guard.session;
    let (committable, by_status) = if let Some(session) = session.session_mut() {
        let by_status = guard.rare.and_then(|rare| rare.by_status);
        (Some(session.hand_over()), by_status)
    } else {
        // Without a session, there is nothing to commit.
        let committable = guard.rare.and_then(|rare| rare.without_session);
        (committable.map(|committable| (committable, 0)), None)
    };
    let committer = Committer::new(committable, loaders::<S::Config, O>().vary(), by_status);
    (session, committer)
}
