//! Work that goes on if its request is dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs a future within the task of its request, without a task of its own. If the request is dropped
/// before the future is ready, a new task finishes it, so that no connection returns to its pool in the
/// middle of an answer.
///
/// Outside a runtime, or in one that is shutting down, there is no such task, and the future is dropped.
pub(crate) struct Finish<T: Send + 'static>(Option<Boxed<T>>);

impl<T: Send + 'static> Finish<T> {
    pub(crate) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> Future for Finish<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // It is only absent after it was ready, and then it is not polled again.
        let Some(work) = &mut self.0 else {
            return Poll::Pending;
        };
        let result = work.as_mut().poll(context);
        if result.is_ready() {
            self.0 = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Finish<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(work));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Barrier, oneshot};

    use super::*;

    #[tokio::test]
    async fn dropped_work_is_finished() {
        let (go_on, wait) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let started = Arc::new(Barrier::new(2));
        let work = Finish::new({
            let started = started.clone();
            async move {
                started.wait().await;
                let _ = wait.await;
                let _ = done.send(());
            }
        });
        let request = tokio::spawn(work);
        started.wait().await;
        request.abort();
        assert!(request.await.is_err_and(|error| error.is_cancelled()));
        go_on.send(()).expect("the work goes on");
        is_done.await.expect("the work is finished");
    }

    #[test]
    fn work_that_is_dropped_outside_a_runtime_is_dropped() {
        let kept = Arc::new(());
        let work = Finish::new({
            let kept = kept.clone();
            async move { drop(kept) }
        });
        drop(work);
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
