//! What the attribute wraps around a handler: a guard that opens the session before it, and a commit
//! and a reply after it.

mod commit;
mod is_err;
mod mode;
mod rejection;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use crate::engine::{self, OpenOutcome, Overrides, Purpose, RequestContext, loaders};
use crate::error::{Error, ErrorKind};
use crate::session::Session;

pub use commit::{Committer, Finished, HandlerEnd, PendingCommit, SessionReply, end};
pub use is_err::{IsErr, IsErrFallback, IsErrResult};
pub use mode::{CompatibleWith, Create, Load, Mode, SessionArg};
pub use rejection::Rejection;

/// The overrides of a handler that declares none.
#[derive(Debug)]
pub struct Inherit;

impl Overrides for Inherit {}

/// The session argument of a handler, as the framework extracts it.
pub struct SessionGuard<S, M, O = Inherit> {
    session: S,
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
        let Some(session) = S::from_session(session) else {
            return Err(Rejection::refuse(context, Error::new(ErrorKind::Missing)));
        };
        Ok(SessionGuard {
            session,
            marker: PhantomData,
        })
    }
}

/// Splits a guard into the handler's argument and what commits it afterwards.
pub fn split<S: SessionArg, M: CompatibleWith<S>, O: Overrides>(
    guard: SessionGuard<S, M, O>,
) -> (S, Committer) {
    let core = guard.session.session().map(Session::finisher);
    let committer = Committer::new(core, loaders::<S::Config, O>().vary());
    (guard.session, committer)
}
