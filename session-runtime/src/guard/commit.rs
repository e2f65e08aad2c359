//! The commit after the handler has returned, and the reply that carries its result.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HeaderValue;

use super::Rejection;
use super::by_status::{Answer, Deferred, StatusKnown, unknown_status};
use crate::engine::{CommitResult, Emission, Finalize, FinalizeResult, GuardIndex};
use crate::store::BoxFuture;

/// Commits the session when the handler has returned.
pub struct Committer {
    session: Option<(Arc<dyn Finalize>, GuardIndex)>,
    vary: Option<&'static HeaderValue>,
    /// Set while the status of the response has to decide about the commit.
    pub(super) by_status: Option<StatusKnown>,
}

impl Committer {
    pub(super) fn new(
        session: Option<(Arc<dyn Finalize>, GuardIndex)>,
        vary: Option<&'static HeaderValue>,
        by_status: Option<StatusKnown>,
    ) -> Self {
        Self {
            session,
            vary,
            by_status,
        }
    }
}

/// If the client disconnects or the handler panics, nothing is stored; a task that still owns the
/// session can no longer store a new sid either.
impl Drop for Committer {
    fn drop(&mut self) {
        if let Some((core, guard)) = self.session.take() {
            core.abandon(guard);
        }
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").finish_non_exhaustive()
    }
}

/// Ends a handler, and starts to write its changes unless it failed.
#[must_use]
#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[inline(always)]
pub fn end(committer: Committer, failed: bool) -> HandlerEnd {
    if committer.by_status.is_some() && !failed {
        return HandlerEnd::Finished(Finished::deferred(committer));
    }
    finish(committer, failed)
}

#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[inline(always)]
pub(super) fn finish(mut committer: Committer, failed: bool) -> HandlerEnd {
    let vary = committer.vary;
    let finished = |emission| {
        HandlerEnd::Finished(Finished {
            vary,
            ending: Ending::Done(emission),
        })
    };
    let Some((core, guard)) = committer.session.take() else {
        return finished(Ok(Emission::default()));
    };
    match core.finish(guard, failed) {
        FinalizeResult::Now(emission) => finished(emission),
        FinalizeResult::Later(emission, core) => {
            committer.session = Some((core, guard));
            HandlerEnd::Commit(PendingCommit {
                committer,
                emission,
            })
        }
    }
}

/// The result of [`end`]. The expansion awaits a pending commit in the handler's own future, so that
/// the handler's value is not moved into another one.
pub enum HandlerEnd {
    /// The changes are written, or there were none.
    Finished(Finished),
    /// The store has to be awaited.
    Commit(PendingCommit),
}

/// The headers that a session adds to a response, or the reason why its commit failed.
pub struct Finished {
    vary: Option<&'static HeaderValue>,
    ending: Ending,
}

enum Ending {
    Done(CommitResult),
    /// The status of the response will decide. Boxed, because few configs ask for it.
    Deferred(Box<Deferred>),
}

impl Finished {
    #[cold]
    fn deferred(committer: Committer) -> Self {
        let vary = committer.vary;
        let shared = false;
        Self {
            vary,
            ending: Ending::Deferred(Box::new(Deferred { committer, shared })),
        }
    }

    /// Lets the handler say which caches may keep its response. See `cache = shared` of
    /// `#[session(…)]`.
    #[must_use]
    pub fn shared(self) -> Self {
        let ending = match self.ending {
            Ending::Done(emission) => Ending::Done(emission.map(Emission::shared)),
            Ending::Deferred(mut deferred) => {
                deferred.shared = true;
                Ending::Deferred(deferred)
            }
        };
        Self { ending, ..self }
    }

    /// The headers for the response, or the response to a failed commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[inline(always)]
    pub(super) fn into_emission(self) -> Result<Emission, Rejection> {
        let vary = self.vary;
        match self.ending {
            Ending::Done(Ok(emission)) => Ok(emission.with_vary(vary)),
            Ending::Done(Err(failed)) => Err(Rejection::commit_failed(*failed, vary)),
            // Nothing is committed: nobody will know the status.
            Ending::Deferred(_) => Err(Rejection::failed(unknown_status(), vary)),
        }
    }
}

/// A commit in progress.
pub struct PendingCommit {
    /// Kept until the commit is done, so that a cancelled commit is abandoned. Declared before the
    /// future, so that it is dropped while the future still holds its place in the commit queue.
    committer: Committer,
    emission: BoxFuture<'static, CommitResult>,
}

impl fmt::Debug for HandlerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerEnd")
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finished")
    }
}

impl fmt::Debug for PendingCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingCommit")
    }
}

impl Future for PendingCommit {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        let emission = self.emission.as_mut().poll(context);
        emission.map(|emission| {
            self.committer.session = None;
            let vary = self.committer.vary;
            Finished {
                vary,
                ending: Ending::Done(emission),
            }
        })
    }
}

/// A handler's value, together with the headers that its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    answer: Answer<R>,
    finished: Finished,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// Combines a handler's value, or its early response, with the result of its commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[inline(always)]
    pub fn new(answer: Answer<R>, finished: Finished) -> Self {
        Self { answer, finished }
    }

    /// The value and the headers for its response, or the response to a failed commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[inline(always)]
    pub(crate) fn into_outcome(self) -> Result<(R, Emission), Rejection> {
        match self.into_answer::<Infallible>()? {
            (Answer::Value(value), emission) => Ok((value, emission)),
            (Answer::Early(never), _) => match never {},
        }
    }

    /// The same, for a framework whose early responses are of the type `T`.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[inline(always)]
    pub(crate) fn into_answer<T: 'static>(self) -> Result<(Answer<R, T>, Emission), Rejection> {
        let vary = self.finished.vary;
        let emission = self.finished.into_emission()?;
        match self.answer.downcast() {
            Ok(answer) => Ok((answer, emission)),
            Err(error) => Err(Rejection::failed(error, vary)),
        }
    }

    /// Takes the commit if the status of the response decides about it.
    #[cfg(any(feature = "salvo", feature = "actix-web", feature = "rocket"))]
    pub(crate) fn take_deferred(&mut self) -> Option<Box<Deferred>> {
        let none = Ending::Done(Ok(Emission::default()));
        match std::mem::replace(&mut self.finished.ending, none) {
            Ending::Deferred(deferred) => Some(deferred),
            done @ Ending::Done(_) => {
                self.finished.ending = done;
                None
            }
        }
    }
}
