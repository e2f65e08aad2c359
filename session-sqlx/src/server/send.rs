//! Sending a statement to a server.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Database;
use sqlx::pool::PoolConnection;

use super::{Answer, Server};
use crate::args::Args;
use crate::backend::Inner;
use crate::error::{ContextError, StatementError};
use crate::timeout::run_detached;

/// The number of times that a statement is sent if the server keeps rolling it back.
const TRIES: u32 = 4;

impl<B: Server> Inner<B>
where
    <B::Db as Database>::Arguments: Clone,
{
    /// Sends a statement. It is sent again only if the server rolled it back.
    pub(crate) async fn send<T: Answer<B::Db>>(
        &self,
        statement: &Arc<str>,
        args: Args<B::Db>,
    ) -> Result<T, StatementError> {
        let arguments = args.finish()?;
        let (pool, timeout, statement) = (self.pool.clone(), self.timeout, statement.clone());
        run_detached(async move {
            let mut tries = 1;
            loop {
                let connection = pool.acquire().await;
                let connection =
                    connection.map_err(|error| StatementError::NotApplied(error.into()))?;
                let (statement, arguments) = (statement.clone(), arguments.clone());
                match send_once::<B, T>(connection, timeout, statement, arguments).await {
                    Err(failure)
                        if tries < TRIES
                            && failure.not_applied().is_some_and(B::is_rolled_back) =>
                    {
                        tries += 1;
                    }
                    answer => return answer,
                }
            }
        })
        .await
    }
}

/// Sends a statement on a connection and waits for the answer. A connection that did not answer is
/// closed: what it receives next would be the answer to this statement.
async fn send_once<B: Server, T: Answer<B::Db>>(
    mut connection: PoolConnection<B::Db>,
    timeout: Duration,
    statement: Arc<str>,
    arguments: <B::Db as Database>::Arguments,
) -> Result<T, StatementError> {
    let answer = T::fetch(&mut connection, statement, arguments);
    match tokio::time::timeout(timeout, answer).await {
        Ok(Ok(answer)) => {
            return_connection(connection, timeout);
            Ok(answer)
        }
        Ok(Err(error)) if B::is_refusal(&error) => {
            return_connection(connection, timeout);
            Err(StatementError::NotApplied(error.into()))
        }
        Ok(Err(error)) => {
            drop(connection.detach());
            Err(StatementError::Unknown(error.into()))
        }
        Err(_) => {
            drop(connection.detach());
            let late = format!("the server did not answer within {timeout:?}");
            Err(StatementError::Unknown(ContextError::new(late).into()))
        }
    }
}

/// Returns a connection to its pool, which pings the server, in a task that nothing waits for. On a
/// network that drops packets silently, the ping of the pool would block for as long as TCP does, about
/// 15 minutes, and the pool would be one connection short for that time.
fn return_connection<DB: Database>(mut connection: PoolConnection<DB>, timeout: Duration) {
    tokio::spawn(async move {
        let returned = tokio::time::timeout(timeout, connection.return_to_pool());
        let _ = returned.await;
    });
}
