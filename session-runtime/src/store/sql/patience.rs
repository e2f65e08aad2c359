//! How long anything is waited for, and what happens to what nobody waits for any more.

use std::future::Future;
use std::time::Duration;

use sqlx::Database;
use sqlx::pool::PoolConnection;

use super::fault::{Failure, Fault};

/// How long a connection, or an answer, is waited for unless the program says otherwise.
pub(super) const DEFAULT: Duration = Duration::from_secs(5);

/// A connection that nobody used for so long is asked whether it is alive before it is used: the
/// server may have been restarted, and a write that is lost with a connection has no known
/// outcome. One in steady use is not asked.
pub(super) const ASK_AFTER: Duration = Duration::from_secs(1);

/// Runs a verb to its end in a task of its own. A request may be dropped at any moment; what was
/// begun for it goes on, so that no connection goes back to its pool in the middle of an answer.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| Err(Failure::Unknown(error.into())))
}

/// Waits for the answer to a statement. A connection that did not answer is not used again: what
/// it would say next is the answer to something else.
pub(super) async fn answer<DB: Database, T>(
    mut connection: PoolConnection<DB>,
    patience: Duration,
    statement: impl AsyncFnOnce(&mut DB::Connection) -> Result<T, sqlx::Error>,
    refused: impl Fn(&sqlx::Error) -> bool,
) -> Result<T, Failure> {
    match tokio::time::timeout(patience, statement(&mut connection)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if refused(&error) => Err(Failure::Nothing(error.into())),
        Ok(Err(error)) => {
            drop(connection.detach());
            Err(Failure::Unknown(error.into()))
        }
        Err(_) => {
            drop(connection.detach());
            let late = format!("the server did not answer within {patience:?}");
            Err(Failure::Unknown(Fault::new(late).into()))
        }
    }
}
