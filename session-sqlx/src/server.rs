//! What a store needs of a server, of whatever kind: a connection, an answer, and its time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{ConnectOptions, Connection as _, Database, Pool};

use super::connect::ConnectBuilder;
use super::convert::{timestamp, to_millis, unix_millis};
use super::error::{ContextError, StatementError};
use connect_session_runtime::timestamp::Timestamp;

/// A connection that nobody used for so long is asked whether it is alive before it is used: the
/// server may have been restarted, and a write that is lost with a connection has no known
/// outcome. One in steady use is not asked.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

type OptionsOf<DB> = <<DB as Database>::Connection as sqlx::Connection>::Options;

/// A pool of connections to a server that answered.
pub(super) async fn pool<DB: Database, S>(
    how: &ConnectBuilder<S>,
    options: OptionsOf<DB>,
) -> Result<Pool<DB>, sqlx::Error> {
    // The pool would try again and again, and then say only that it took too long.
    let first = tokio::time::timeout(how.acquire_timeout, options.connect()).await;
    let first = first.unwrap_or_else(|_| {
        let late = format!("no answer within {:?}", how.acquire_timeout);
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into())
    })?;
    // It was only a question; the pool opens its own.
    let _ = first.close().await;
    Ok(PoolOptions::new()
        .max_connections(how.connections)
        .acquire_timeout(how.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, about| {
            Box::pin(async move {
                Ok(about.idle_for < PING_AFTER_IDLE || connection.ping().await.is_ok())
            })
        })
        .connect_lazy_with(options))
}

/// Waits for the answer to a statement. A connection that did not answer is not used again: what
/// it would say next is the answer to something else.
pub(super) async fn answer<DB: Database, T>(
    mut connection: PoolConnection<DB>,
    timeout: Duration,
    statement: impl AsyncFnOnce(&mut DB::Connection) -> Result<T, sqlx::Error>,
    refused: impl Fn(&sqlx::Error) -> bool,
) -> Result<T, StatementError> {
    match tokio::time::timeout(timeout, statement(&mut connection)).await {
        Ok(Ok(answer)) => {
            return_connection(connection, timeout);
            Ok(answer)
        }
        Ok(Err(error)) if refused(&error) => {
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

/// A connection that is given back is asked whether it is alive, which nobody waits for. Where the
/// network swallows the question, the pool itself would wait as long as TCP does, a quarter of an
/// hour, and have a connection less all that time.
fn return_connection<DB: Database>(mut connection: PoolConnection<DB>, timeout: Duration) {
    tokio::spawn(async move {
        let asked = tokio::time::timeout(timeout, connection.return_to_pool());
        let _ = asked.await;
    });
}

/// What the server's clock says, as far as it is known here: every answer brings its time.
#[derive(Debug)]
pub(super) struct ServerClock {
    origin: Instant,
    /// What the server's clock said at the origin.
    at_origin: AtomicI64,
}

impl ServerClock {
    /// Until the server has said anything, the time of this machine.
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            at_origin: AtomicI64::new(unix_millis(Timestamp::now())),
        }
    }

    pub(super) fn observe(&self, server: i64) {
        let at_origin = server.saturating_sub(to_millis(self.origin.elapsed()));
        self.at_origin.store(at_origin, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Timestamp {
        let at_origin = self.at_origin.load(Ordering::Relaxed);
        timestamp(at_origin.saturating_add(to_millis(self.origin.elapsed())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_server_goes_on() {
        let clock = ServerClock::new();
        clock.observe(1_000);
        let now = unix_millis(clock.now());
        assert!((1_000..60_000).contains(&now), "{now}");
    }
}
