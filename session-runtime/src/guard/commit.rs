//! The commit after the handler has returned, and the reply that carries its result.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::StatusCode;
use http::header::HeaderValue;

use super::Rejection;
use super::by_status::{Answer, Conversions, Deferred, StatusKnown, unknown_status};
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

/// Starts to write the changes of a handler that has returned, unless it failed.
#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn commit<R>(
    answer: Answer<R>,
    failed: bool,
    mut committer: Committer,
) -> HandlerReply<R> {
    let vary = committer.vary;
    let done = |answer, result| {
        let progress = Progress::Done(result);
        let commit = FinishedCommit { vary, progress };
        HandlerReply::Done(SessionReply { answer, commit })
    };
    let Some((core, guard)) = committer.session.take() else {
        return done(answer, Ok(SessionHeaders::default()));
    };
    match core.commit(guard, failed) {
        CommitProgress::Finished(result) => done(answer, result),
        CommitProgress::Pending(result, core) => {
            committer.session = Some((core, guard));
            HandlerReply::Pending(PendingReply {
                committer,
                result,
                answer: Some(answer),
            })
        }
    }
}

/// The headers that a session adds to a response, or the reason why its commit failed.
struct FinishedCommit {
    vary: Option<&'static HeaderValue>,
    progress: Progress,
}

enum Progress {
    Done(CommitResult),
    /// The status of the response will decide. Boxed, because few configs ask for it.
    Deferred(Box<Deferred>),
}

impl FinishedCommit {
    fn deferred(committer: Committer) -> Self {
        let vary = committer.vary;
        let shared = false;
        Self {
            vary,
            progress: Progress::Deferred(Box::new(Deferred { committer, shared })),
        }
    }

    fn shared(self) -> Self {
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
    fn into_headers(self) -> Result<SessionHeaders, Rejection> {
        let vary = self.vary;
        match self.progress {
            Progress::Done(Ok(headers)) => Ok(headers.with_vary(vary)),
            Progress::Done(Err(failed)) => Err(Rejection::commit_failed(*failed, vary)),
            // Nothing is committed: nobody will know the status.
            Progress::Deferred(_) => Err(Rejection::failed(unknown_status(), vary)),
        }
    }
}

/// The reply to a request whose handler has returned.
///
/// Everything that happens after a handler is here, where the compiler translates it once for each type of a value, and
/// not in the handlers, where it would do so for each of them.
pub enum HandlerReply<R> {
    /// The changes are written, or there were none.
    Done(SessionReply<R>),
    /// The store has to be awaited.
    Pending(PendingReply<R>),
}

impl<R> fmt::Debug for HandlerReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerReply")
    }
}

/// A reply that waits for the commit.
pub struct PendingReply<R> {
    /// Kept until the commit is done, so that a cancelled commit is abandoned. Declared before the
    /// future, so that it is dropped while the future still holds its place in the commit queue.
    committer: Committer,
    result: BoxFuture<'static, CommitResult>,
    /// `None` once it is in the reply.
    answer: Option<Answer<R>>,
}

/// The value is never pinned.
impl<R> Unpin for PendingReply<R> {}

impl<R> fmt::Debug for PendingReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingReply")
    }
}

impl<R> Future for PendingReply<R> {
    type Output = SessionReply<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SessionReply<R>> {
        let this = self.get_mut();
        let Poll::Ready(result) = this.result.as_mut().poll(context) else {
            return Poll::Pending;
        };
        this.committer.session = None;
        let commit = FinishedCommit {
            vary: this.committer.vary,
            progress: Progress::Done(result),
        };
        match this.answer.take() {
            Some(answer) => Poll::Ready(SessionReply { answer, commit }),
            None => Poll::Pending,
        }
    }
}

/// Commits after a handler, and replies with its value. `conversions` are the ways to turn the value into a response,
/// if its status decides about the commit.
#[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn reply<R>(
    value: R,
    failed: bool,
    committer: Committer,
    conversions: &Conversions<R>,
) -> HandlerReply<R> {
    if committer.by_status.is_some() {
        return reply_by_status(value, failed, committer, conversions);
    }
    commit(Answer::Value(value), failed, committer)
}

/// The same, if the status of the response has to decide about the commit.
#[cold]
#[inline(never)]
fn reply_by_status<R>(
    value: R,
    failed: bool,
    mut committer: Committer,
    conversions: &Conversions<R>,
) -> HandlerReply<R> {
    let (answer, failed) = committer.convert(value, failed, conversions);
    if committer.by_status.is_some() && !failed {
        let commit = FinishedCommit::deferred(committer);
        return HandlerReply::Done(SessionReply { answer, commit });
    }
    commit(answer, failed, committer)
}

/// Commits after a handler of plain `http`, and replies with its value. `status` is the status of the value.
#[allow(clippy::inline_always, reason = "every reply of a handler calls it")]
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn reply_http<R>(
    value: R,
    failed: bool,
    mut committer: Committer,
    status: fn(&R) -> Option<StatusCode>,
) -> HandlerReply<R> {
    let failed = committer.judge(&value, failed, status);
    commit(Answer::Value(value), failed, committer)
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
    /// Lets the handler say which caches may keep its response. See `cache = shared` of
    /// `#[session(…)]`.
    pub fn shared(self) -> Self {
        let commit = self.commit.shared();
        Self { commit, ..self }
    }

    /// The headers for the response, or the response to a failed commit.
    #[cfg(any(feature = "salvo", feature = "actix-web", feature = "rocket"))]
    pub(super) fn into_headers(self) -> Result<SessionHeaders, Rejection> {
        self.commit.into_headers()
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
