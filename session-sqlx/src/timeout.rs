//! Time limits, and work that outlives the request that started it.

#[cfg(feature = "sqlite")]
use std::future::Future;
use std::time::Duration;

#[cfg(feature = "sqlite")]
use crate::error::StatementError;

/// The default time to wait for a connection or an answer.
pub(crate) const DEFAULT: Duration = Duration::from_secs(5);

/// Runs a future to completion in its own task. A request can be dropped at any time; the task goes
/// on, so that no connection returns to its pool in the middle of an answer.
#[cfg(feature = "sqlite")]
pub(crate) async fn run_detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, StatementError>> + Send + 'static,
) -> Result<T, StatementError> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| Err(StatementError::Unknown(error.into())))
}
