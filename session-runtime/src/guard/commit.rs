//! The commit after the handler has returned, and the reply that carries its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HeaderValue;

use super::Rejection;
use crate::engine::{CommitProgress, CommitResult, Committable, GuardIndex, SessionHeaders};
use crate::store::BoxFuture;

/// Commits the session when the handler has returned.
pub struct Committer {
    session: Option<(Arc<dyn Committable>, GuardIndex)>,
    vary: Option<&'static HeaderValue>,
}

impl Committer {
    pub(super) fn new(
        session: Option<(Arc<dyn Committable>, GuardIndex)>,
        vary: Option<&'static HeaderValue>,
    ) -> Self {
        Self { session, vary }
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
#[must_use]
#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[inline(always)]
pub fn commit(mut committer: Committer, failed: bool) -> HandlerCommit {
    let vary = committer.vary;
    let finished = |result| HandlerCommit::Finished(FinishedCommit { vary, result });
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
    result: CommitResult,
}

impl FinishedCommit {
    /// Lets the handler say which caches may keep its response. See `cache = shared` of
    /// `#[session(…)]`.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            result: self.result.map(SessionHeaders::shared),
            ..self
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
            FinishedCommit { vary, result }
        })
    }
}

/// A handler's value, together with the headers that its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    value: R,
    commit: FinishedCommit,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// Combines a handler's value with the result of its commit.
    pub fn new(value: R, commit: FinishedCommit) -> Self {
        Self { value, commit }
    }

    /// The value and the headers for its response, or the response to a failed commit.
    pub(crate) fn into_outcome(self) -> Result<(R, SessionHeaders), Rejection> {
        let FinishedCommit { vary, result } = self.commit;
        match result {
            Ok(headers) => Ok((self.value, headers.with_vary(vary))),
            Err(failed) => Err(Rejection::commit_failed(*failed, vary)),
        }
    }
}
