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
use crate::engine::{CommitProgress, CommitResult, Committable, GuardIndex, SessionHeaders};
use crate::store::BoxFuture;

/// Commits the session when the handler has returned.
pub struct Committer {
    session: Option<(Arc<dyn Committable>, GuardIndex)>,
    vary: Option<&'static HeaderValue>,
    /// Set while the status of the response has to decide about the commit.
    pub(super) by_status: Option<StatusKnown>,
}

impl Committer {
    pub(super) fn new(
        session: Option<(Arc<dyn Committable>, GuardIndex)>,
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

/// Starts to write the changes of a handler that has returned, unless it failed or the status of the
/// response has to decide.
#[must_use]
#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn commit(committer: Committer, failed: bool) -> HandlerCommit {
    if committer.by_status.is_some() && !failed {
        return HandlerCommit::Finished(FinishedCommit::deferred(committer));
    }
    commit_now(committer, failed)
}

#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn commit_now(mut committer: Committer, failed: bool) -> HandlerCommit {
    let vary = committer.vary;
    let finished = |result| {
        HandlerCommit::Finished(FinishedCommit {
            vary,
            progress: Progress::Done(result),
        })
    };
    let Some((core, guard)) = committer.session.take() else {
        return finished(Ok(SessionHeaders::default()));
    };
    match core.commit(guard, failed) {
        CommitProgress::Finished(result) => finished(result),
        CommitProgress::Pending(result, core) => {
            committer.session = Some((core, guard));
            HandlerCommit::Pending(PendingCommit { committer, result })
        }
    }
}

/// The result of [`commit`]. The expansion awaits a pending commit in the handler's own future, so that
/// the handler's value is not moved into another one.
pub enum HandlerCommit {
    /// The changes are written, or there were none.
    Finished(FinishedCommit),
    /// The store has to be awaited.
    Pending(PendingCommit),
}

/// The headers that a session adds to a response, or the reason why its commit failed.
pub struct FinishedCommit {
    vary: Option<&'static HeaderValue>,
    progress: Progress,
}

enum Progress {
    Done(CommitResult),
    /// The status of the response will decide. Boxed, because few configs ask for it.
    Deferred(Box<Deferred>),
}

impl FinishedCommit {
    #[cold]
    fn deferred(committer: Committer) -> Self {
        let vary = committer.vary;
        let shared = false;
        Self {
            vary,
            progress: Progress::Deferred(Box::new(Deferred { committer, shared })),
        }
    }

    /// Lets the handler say which caches may keep its response. See `cache = shared` of
    /// `#[session(…)]`.
    #[must_use]
    pub fn shared(self) -> Self {
        let progress = match self.progress {
            Progress::Done(result) => Progress::Done(result.map(SessionHeaders::shared)),
            Progress::Deferred(mut deferred) => {
                deferred.shared = true;
                Progress::Deferred(deferred)
            }
        };
        Self { progress, ..self }
    }

    /// The headers for the response, or the response to a failed commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn into_headers(self) -> Result<SessionHeaders, Rejection> {
        let vary = self.vary;
        match self.progress {
            Progress::Done(Ok(headers)) => Ok(headers.with_vary(vary)),
            Progress::Done(Err(failed)) => Err(Rejection::commit_failed(*failed, vary)),
            // Nothing is committed: nobody will know the status.
            Progress::Deferred(_) => Err(Rejection::failed(unknown_status(), vary)),
        }
    }
}

/// A commit in progress.
pub struct PendingCommit {
    /// Kept until the commit is done, so that a cancelled commit is abandoned. Declared before the
    /// future, so that it is dropped while the future still holds its place in the commit queue.
    committer: Committer,
    result: BoxFuture<'static, CommitResult>,
}

impl fmt::Debug for HandlerCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerCommit")
    }
}

impl fmt::Debug for FinishedCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FinishedCommit")
    }
}

impl fmt::Debug for PendingCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingCommit")
    }
}

impl Future for PendingCommit {
    type Output = FinishedCommit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<FinishedCommit> {
        let result = self.result.as_mut().poll(context);
        result.map(|result| {
            self.committer.session = None;
            let vary = self.committer.vary;
            FinishedCommit {
                vary,
                progress: Progress::Done(result),
            }
        })
    }
}

/// A handler's value, together with the headers that its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    answer: Answer<R>,
    commit: FinishedCommit,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// Combines a handler's value, or its early response, with the result of its commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn new(answer: Answer<R>, commit: FinishedCommit) -> Self {
        Self { answer, commit }
    }

    /// The value and the headers for its response, or the response to a failed commit.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn into_outcome(self) -> Result<(R, SessionHeaders), Rejection> {
        match self.into_answer::<Infallible>()? {
            (Answer::Value(value), headers) => Ok((value, headers)),
            (Answer::Early(never), _) => match never {},
        }
    }

    /// The same, for a framework whose early responses are of the type `T`.
    #[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn into_answer<T: 'static>(
        self,
    ) -> Result<(Answer<R, T>, SessionHeaders), Rejection> {
        let vary = self.commit.vary;
        let headers = self.commit.into_headers()?;
        match self.answer.downcast() {
            Ok(answer) => Ok((answer, headers)),
            Err(error) => Err(Rejection::failed(error, vary)),
        }
    }

    /// Takes the commit if the status of the response decides about it.
    #[cfg(any(feature = "salvo", feature = "actix-web", feature = "rocket"))]
    pub(crate) fn take_deferred(&mut self) -> Option<Box<Deferred>> {
        let none = Progress::Done(Ok(SessionHeaders::default()));
        match std::mem::replace(&mut self.commit.progress, none) {
            Progress::Deferred(deferred) => Some(deferred),
            done @ Progress::Done(_) => {
                self.commit.progress = done;
                None
            }
        }
    }
}
