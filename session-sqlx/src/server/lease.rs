//! A connection while it is in use.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::sync::OwnedSemaphorePermit;

use super::circuit::{Circuit, Outage};
use super::connections::{Connections, Open};
use super::outage::cannot_connect;

/// How long the ping of a connection that returns to its pool may take.
const RETURNING: Duration = Duration::from_secs(5);

/// A connection while it is in use. Unless it is returned, it is closed when it is dropped: what it
/// receives next would be the answer to its last statement.
pub(super) struct Lease<DB: Database>(Source<DB>);

enum Source<DB: Database> {
    Kept {
        open: Open<DB>,
        home: Arc<Connections<DB>>,
        _turn: OwnedSemaphorePermit,
        /// Whether it was used before, and may have been lost since.
        is_used: bool,
    },
    /// From the pool of an application, which may need it for its own statements.
    Pooled(Option<PoolConnection<DB>>),
}

impl<DB: Database> Lease<DB> {
    pub(super) fn kept(
        open: Open<DB>,
        home: Arc<Connections<DB>>,
        turn: OwnedSemaphorePermit,
        is_used: bool,
    ) -> Self {
        Self(Source::Kept {
            open,
            home,
            _turn: turn,
            is_used,
        })
    }

    /// A connection of an application's pool, unless the server is known not to answer.
    pub(super) async fn pooled(pool: &Pool<DB>, circuit: &Circuit) -> Result<Self, Outage> {
        if let Some(outage) = circuit.outage().filter(|outage| !outage.answers) {
            return Err(outage);
        }
        // The pool has its own limit.
        let acquired = circuit.within(Duration::MAX, pool.acquire()).await;
        let acquired = acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let connection = acquired.map_err(|error| cannot_connect(&error))?;
        Ok(Self(Source::Pooled(Some(connection))))
    }

    /// Whether the connection was opened for an earlier statement, and may have been lost since. A
    /// connection of a pool is not repeated, because the pool checks it.
    pub(super) fn is_used(&self) -> bool {
        matches!(self.0, Source::Kept { is_used: true, .. })
    }

    /// Whether the connection may lead to another server than a new one.
    pub(super) fn may_be_outdated(&self) -> bool {
        match self.0 {
            Source::Kept { is_used, .. } => is_used,
            Source::Pooled(_) => true,
        }
    }

    /// The connection; `None` after it was returned.
    pub(super) fn connection(&mut self) -> Option<&mut DB::Connection> {
        match &mut self.0 {
            Source::Kept { open, .. } => open.connection(),
            Source::Pooled(connection) => connection.as_deref_mut(),
        }
    }

    /// Returns the connection for its next use.
    pub(super) fn release(mut self, timeout: Duration) {
        match &mut self.0 {
            Source::Kept { open, home, .. } => home.keep(open.take()),
            Source::Pooled(connection) => {
                if let Some(connection) = connection.take() {
                    return_connection(connection, timeout);
                }
            }
        }
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if let Source::Pooled(connection) = &mut self.0 {
            drop(connection.take().map(PoolConnection::detach));
        }
    }
}

/// Returns a connection to its pool, which pings the server, in a task that nothing waits for. On a
/// network that drops packets silently, the ping of the pool would block for as long as TCP does, about
/// 15 minutes, and the pool would be one connection short for that time.
fn return_connection<DB: Database>(mut connection: PoolConnection<DB>, timeout: Duration) {
    // Called here rather than in the task, which a runtime that is shutting down does not run.
    let returning = connection.return_to_pool();
    let limit = timeout.min(RETURNING);
    tokio::spawn(async move { drop(tokio::time::timeout(limit, returning).await) });
}
