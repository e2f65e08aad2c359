//! The commit after the handler has returned, and the reply that carries its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HeaderValue;

use super::Rejection;
use crate::engine::{CommitResult, Emission, Finalize, FinalizeResult, GuardIndex};
use crate::store::BoxFuture;

/// Commits the session when the handler has returned.
pub struct Committer {
    session: Option<(Arc<dyn Finalize>, GuardIndex)>,
    vary: Option<&'static HeaderValue>,
}

impl Committer {
    pub(super) fn new(
        session: Option<(Arc<dyn Finalize>, GuardIndex)>,
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

/// Ends a handler, and starts to write its changes unless it failed.
#[must_use]
#[allow(
    clippy::inline_always,
    reason = "every handler with a session calls it"
)]
#[inline(always)]
pub fn end(mut committer: Committer, failed: bool) -> HandlerEnd {
    let vary = committer.vary;
    let finished = |emission| HandlerEnd::Finished(Finished { vary, emission });
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
    emission: CommitResult,
}

impl Finished {
    /// Lets the handler say which caches may keep its response. See `cache = shared` of
    /// `#[session(…)]`.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            emission: self.emission.map(Emission::shared),
            ..self
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
            Finished { vary, emission }
        })
    }
}

/// A handler's value, together with the headers that its session adds to the response.
#[must_use = "a reply is what a handler returns"]
pub struct SessionReply<R> {
    value: R,
    finished: Finished,
}

impl<R> fmt::Debug for SessionReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionReply").finish_non_exhaustive()
    }
}

impl<R> SessionReply<R> {
    /// Combines a handler's value with the result of its commit.
    pub fn new(value: R, finished: Finished) -> Self {
        Self { value, finished }
    }

    /// The value and the headers for its response, or the response to a failed commit.
    pub(crate) fn into_outcome(self) -> Result<(R, Emission), Rejection> {
        let Finished { vary, emission } = self.finished;
        match emission {
            Ok(emission) => Ok((self.value, emission.with_vary(vary))),
            Err(failed) => Err(Rejection::commit_failed(*failed, vary)),
        }
    }
}
