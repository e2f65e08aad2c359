//! Sending a statement to a server.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Database;

use super::Server;
use crate::args::Args;
use crate::backend::Inner;
use crate::connections::{Lease, Traits};
use crate::error::{ContextError, StatementError};
use crate::finish::Finish;
use crate::operations::Answer;

/// The number of times that a statement is sent if the server keeps rolling it back, and that a read is
/// sent if its connection turns out to be lost.
const TRIES: u32 = 4;

/// Sends a statement. A write is sent again only if the server rolled it back, a read also if it was sent
/// on a connection that had been lost. `args` is called once for each try.
pub(crate) async fn send<B: Server, T: Answer<B::Db>>(
    inner: &Inner<B>,
    statement: &Arc<str>,
    args: impl Fn() -> Args<B::Db> + Send + Sync,
) -> Result<T, StatementError> {
    let mut tries = 1;
    loop {
        let lease = acquire(inner, T::IS_READ).await;
        let lease = lease.map_err(|error| StatementError::NotApplied(error.into()))?;
        let may_be_lost = T::IS_READ && lease.is_used();
        let arguments = args().finish()?;
        let sent = send_once::<B, T>(lease, inner.timeout, statement.clone(), arguments);
        let failure = match Finish::new(sent).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let is_lost = may_be_lost && failure.is_lost();
        let is_rolled_back = failure.not_applied().is_some_and(B::is_rolled_back);
        if tries == TRIES || !(is_lost || is_rolled_back) {
            return Err(failure);
        }
        if is_lost && let Some(connections) = &B::state(inner).connections {
            connections.close_idle();
        }
        tries += 1;
    }
}

async fn acquire<B: Server>(inner: &Inner<B>, is_read: bool) -> Result<Lease<B::Db>, sqlx::Error> {
    match &B::state(inner).connections {
        Some(connections) => connections.acquire(is_read, inner.timeout).await,
        None => Lease::pooled(&inner.pool, &Traits::SERVER).await,
    }
}

/// Sends a statement on a connection and waits for the answer. A connection that did not answer is
/// closed.
async fn send_once<B: Server, T: Answer<B::Db>>(
    mut lease: Lease<B::Db>,
    timeout: Duration,
    statement: Arc<str>,
    arguments: <B::Db as Database>::Arguments,
) -> Result<T, StatementError> {
    let Some(connection) = lease.connection() else {
        return Err(StatementError::NotApplied(sqlx::Error::PoolClosed.into()));
    };
    let answer = T::fetch(connection, statement, arguments);
    match tokio::time::timeout(timeout, answer).await {
        Ok(Ok(answer)) => {
            lease.release(timeout);
            Ok(answer)
        }
        Ok(Err(error)) if B::is_refusal(&error) => {
            lease.release(timeout);
            Err(StatementError::NotApplied(error.into()))
        }
        Ok(Err(error)) => Err(StatementError::Unknown(error.into())),
        Err(_) => {
            let late = format!("the server did not answer within {timeout:?}");
            Err(StatementError::Unknown(ContextError::new(late).into()))
        }
    }
}
