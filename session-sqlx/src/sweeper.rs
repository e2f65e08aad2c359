//! The task that takes away what has ended.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::task::AbortHandle;

use connect_session_runtime::store::StoreError;

/// How often a store looks for what has ended, unless the program says otherwise.
const EVERY: Duration = Duration::from_secs(60);

/// Starts the task once, and ends it when the store is dropped.
#[derive(Debug)]
pub(super) struct Sweeper {
    every: Option<Duration>,
    task: Mutex<Option<AbortHandle>>,
}

impl Sweeper {
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self {
            every: every.map(|every| every.max(Duration::from_millis(10))),
            task: Mutex::new(None),
        }
    }

    /// Starts the task, if none runs: the first one may have ended with a runtime before this one.
    pub(super) fn start<F>(&self, sweep: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<usize, StoreError>> + Send,
    {
        let Some(every) = self.every else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        // Processes that were started together do not sweep together.
        let first = every.mul_f64(rand::rng().random_range(0.0..1.0));
        let work = async move {
            tokio::time::sleep(first).await;
            loop {
                if let Err(error) = sweep().await {
                    tell(&error);
                }
                tokio::time::sleep(every).await;
            }
        };
        *task = Some(tokio::spawn(work).abort_handle());
    }
}

impl Default for Sweeper {
    fn default() -> Self {
        Self::new(Some(EVERY))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// A sweep that failed is tried again at the next turn; until then only room is lost.
fn tell(error: &StoreError) {
    tracing::warn!(
        target: "connect_session",
        error = error as &dyn std::error::Error,
        "expired sessions could not be swept"
    );
}
