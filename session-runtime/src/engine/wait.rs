//! Waits for the other users of a session, but not forever.
//!
//! Who holds a session may never be polled again. A handler can poll an `update` once and then move it into
//! the body of its response: the server polls the body only after the commit, and the commit would wait for
//! the `update`.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind};
use crate::yield_now::yield_now;

/// Longer than a store takes to answer or to give up.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for `free`, at most as long as the limit. Nothing was written then.
pub(super) async fn in_time<T>(free: impl Future<Output = T>) -> Result<T, Error> {
    let mut free = pin!(free);
    // Usually nobody holds the session, and no alarm is needed. The second time, because tokio lets other
    // tasks run when one has used up its turn.
    for _ in 0..2 {
        let polled = poll_fn(|context| Poll::Ready(free.as_mut().poll(context))).await;
        if let Poll::Ready(value) = polled {
            return Ok(value);
        }
        yield_now().await;
    }
    let mut alarm = Alarm::set();
    poll_fn(|context| {
        if let Poll::Ready(value) = free.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        let Some(Alarm(ringing)) = &mut alarm else {
            return Poll::Pending;
        };
        match Pin::new(ringing).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Err(Error::of(ErrorKind::Contention))),
            Poll::Ready(Err(_)) => {
                alarm = None;
                WITHOUT_TIMERS.set(Handle::try_current().ok().map(|runtime| runtime.id()));
                Poll::Pending
            }
        }
    })
    .await
}

thread_local! {
    /// The runtime of this thread, if it has no timers. Only a panic shows that, whose message is printed once a thread
    /// because of this.
    static WITHOUT_TIMERS: Cell<Option<Id>> = const { Cell::new(None) };
}

/// A task that ends after the limit. It is a task of its own, because a runtime without timers panics
/// where a timer starts. There, and without a runtime of tokio, the wait has no limit.
struct Alarm(JoinHandle<()>);

impl Alarm {
    fn set() -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        if WITHOUT_TIMERS.get() == Some(runtime.id()) {
            return None;
        }
        Some(Self(runtime.spawn(async {
            tokio::time::sleep(LIMIT).await;
        })))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test reports by panicking")]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_contention() {
        let a_day = Duration::from_secs(24 * 60 * 60);
        let waited = tokio::time::timeout(a_day, in_time(pending::<()>())).await;
        let error = waited.expect("it ends").expect_err("nothing was free");
        assert_eq!(error.kind(), ErrorKind::Contention);
        assert_eq!(in_time(ready(3)).await.ok(), Some(3));
        let late = async {
            tokio::time::sleep(LIMIT / 2).await;
            4
        };
        assert_eq!(in_time(late).await.ok(), Some(4));
    }

    #[test]
    fn a_runtime_without_timers_is_asked_once() {
        let without_timers = tokio::runtime::Builder::new_current_thread().build();
        without_timers.expect("a runtime").block_on(async {
            let free_later = async {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                5
            };
            assert_eq!(in_time(free_later).await.ok(), Some(5));
            assert!(Alarm::set().is_none());
        });
        let with_timers = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        with_timers.expect("a runtime").block_on(async {
            assert!(Alarm::set().is_some());
        });
    }
}
