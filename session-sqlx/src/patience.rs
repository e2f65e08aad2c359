//! How long anything is waited for, and what happens to what nobody waits for any more.

use std::future::Future;
use std::time::Duration;

use super::fault::Failure;

/// How long a connection, or an answer, is waited for unless the program says otherwise.
pub(super) const DEFAULT: Duration = Duration::from_secs(5);

/// Runs a verb to its end in a task of its own. A request may be dropped at any moment; what was
/// begun for it goes on, so that no connection goes back to its pool in the middle of an answer.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| Err(Failure::Unknown(error.into())))
}
