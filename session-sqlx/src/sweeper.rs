//! The background task that removes ended sessions.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::task::AbortHandle;

use connect_session_runtime::store::StoreError;

/// The default interval of the sweep.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(1);

/// Starts the task once, and stops it when the store is dropped.
#[derive(Debug)]
pub(crate) struct Sweeper {
    every: Option<Duration>,
    task: Mutex<Option<AbortHandle>>,
}

impl Sweeper {
    pub(crate) fn new(every: Option<Duration>) -> Self {
        Self {
            every: every.map(|every| every.max(Duration::from_millis(10))),
            task: Mutex::new(None),
        }
    }

    /// Starts the task unless it is running. A task that was started in an earlier tokio runtime ended
    /// together with that runtime.
    pub(crate) fn start<F>(&self, sweep: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<usize, StoreError>> + Send,
    {
        let Some(every) = self.every else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        // Processes that start at the same time should not sweep at the same time.
        let first = every.mul_f64(rand::rng().random_range(0.0..1.0));
        let work = async move {
            tokio::time::sleep(first).await;
            loop {
                if let Err(error) = sweep().await {
                    log_failure(&error);
                }
                tokio::time::sleep(every).await;
            }
        };
        *task = Some(tokio::spawn(work).abort_handle());
    }
}

impl Default for Sweeper {
    fn default() -> Self {
        Self::new(Some(DEFAULT_INTERVAL))
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

/// The next sweep tries again; until then, ended sessions only take up space.
fn log_failure(error: &StoreError) {
    tracing::warn!(
        target: "connect_session",
        error = error as &dyn std::error::Error,
        "expired sessions could not be swept"
    );
}
