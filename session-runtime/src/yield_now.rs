//! Giving way to other tasks, in whatever runtime this is.

use std::future::poll_fn;
use std::task::Poll;

/// Gives way once: the other tasks of the thread get their turn.
pub(crate) async fn yield_now() {
    let mut gave_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
