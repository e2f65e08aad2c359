//! What a store needs of a server, of whatever kind: a connection, an answer, and its time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{ConnectOptions, Connection as _, Database, Pool};

use super::connect::ConnectBuilder;
use super::fault::{Failure, Fault};
use super::time::{length, moment, since_1970};
use connect_session_runtime::timestamp::Timestamp;

/// A connection that nobody used for so long is asked whether it is alive before it is used: the
/// server may have been restarted, and a write that is lost with a connection has no known
/// outcome. One in steady use is not asked.
const ASK_AFTER: Duration = Duration::from_secs(1);

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
            Box::pin(
                async move { Ok(about.idle_for < ASK_AFTER || connection.ping().await.is_ok()) },
            )
        })
        .connect_lazy_with(options))
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
        Ok(Ok(answer)) => {
            give_back(connection, patience);
            Ok(answer)
        }
        Ok(Err(error)) if refused(&error) => {
            give_back(connection, patience);
            Err(Failure::Nothing(error.into()))
        }
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

/// A connection that is given back is asked whether it is alive, which nobody waits for. Where the
/// network swallows the question, the pool itself would wait as long as TCP does, a quarter of an
/// hour, and have a connection less all that time.
fn give_back<DB: Database>(mut connection: PoolConnection<DB>, patience: Duration) {
    tokio::spawn(async move {
        let asked = tokio::time::timeout(patience, connection.return_to_pool());
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
            at_origin: AtomicI64::new(since_1970(Timestamp::now())),
        }
    }

    pub(super) fn observe(&self, server: i64) {
        let at_origin = server.saturating_sub(length(self.origin.elapsed()));
        self.at_origin.store(at_origin, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Timestamp {
        let at_origin = self.at_origin.load(Ordering::Relaxed);
        moment(at_origin.saturating_add(length(self.origin.elapsed())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_server_goes_on() {
        let clock = ServerClock::new();
        clock.observe(1_000);
        let now = since_1970(clock.now());
        assert!((1_000..60_000).contains(&now), "{now}");
    }
}
