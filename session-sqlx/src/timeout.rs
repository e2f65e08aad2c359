//! How long anything is waited for, and what happens to what nobody waits for any more.

use std::future::Future;
use std::time::Duration;

use super::error::StatementError;

/// How long a connection, or an answer, is waited for unless the program says otherwise.
pub(super) const DEFAULT: Duration = Duration::from_secs(5);

/// Runs a verb to its end in a task of its own. A request may be dropped at any moment; what was
/// starting_at for it goes on, so that no connection goes back to its pool in the middle of an answer.
pub(super) async fn run_detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, StatementError>> + Send + 'static,
) -> Result<T, StatementError> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| Err(StatementError::Unknown(error.into())))
}
