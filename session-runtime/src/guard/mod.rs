//! The parts that the attribute puts around a handler: a guard that opens the session before it, and a
//! commit and a reply after it.

mod commit;
pub(crate) mod failure;
mod mode;
mod rejection;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::engine::{self, Committable, OpenOutcome, Overrides, Purpose, RequestContext, loaders};
use crate::error::{Error, ErrorKind};
use crate::session::Session;

pub use commit::{Committer, FinishedCommit, HandlerCommit, PendingCommit, SessionReply, commit};
pub use failure::{
    Complete, Judged, Look, LookFallback, NoValues, Stuck, Unreadable, Values, has_failed,
};
pub use mode::{CompatibleWith, Create, Load, Mode, SessionArg};
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
    /// Set if the argument is `None` in a request with other guards. Boxed, to keep every guard small.
    without_session: Option<Box<Arc<dyn Committable>>>,
    marker: PhantomData<fn() -> (M, O)>,
}

impl<S, M, O> fmt::Debug for SessionGuard<S, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGuard").finish_non_exhaustive()
    }
}

/// Opens the session.
pub(crate) fn open<S: SessionArg, M: Mode, O>(
    context: &RequestContext<S::Config>,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send {
    async move {
        let purpose = match (M::CREATES, S::OPTIONAL) {
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
            Ok(OpenOutcome::Session(start)) => Some(Session::new(start)),
            Ok(OpenOutcome::None) => None,
            Ok(OpenOutcome::NoContent) => {
                return Err(Rejection::no_content(context.loaders.vary()));
            }
            Err(error) => return Err(Rejection::refuse(context, error)),
        };
        let Some(mut session) = S::from_session(session) else {
            return Err(Rejection::refuse(context, Error::new(ErrorKind::Missing)));
        };
        let is_none = S::OPTIONAL && context.scope.is_some() && session.session_mut().is_none();
        Ok(SessionGuard {
            session,
            without_session: if is_none {
                engine::commit_without_session(context).map(Box::new)
            } else {
                None
            },
            marker: PhantomData,
        })
    }
}

/// Splits a guard into the handler's argument and its committer.
#[allow(
    clippy::inline_always,
    reason = "moves the session into the handler without a copy in between"
)]
#[inline(always)]
pub fn split<S: SessionArg, M: CompatibleWith<S>, O: Overrides>(
    guard: SessionGuard<S, M, O>,
) -> (S, Committer) {
    let mut session = guard.session;
    let finalized = match session.session_mut() {
        Some(session) => Some(session.hand_over()),
        None => guard.without_session.map(|committable| (*committable, 0)),
    };
    let committer = Committer::new(finalized, loaders::<S::Config, O>().vary());
    (session, committer)
}
