//! A connection while it is in use.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::sync::OwnedSemaphorePermit;

use super::connections::{Connections, Open};

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

    pub(super) async fn pooled(pool: &Pool<DB>) -> Result<Self, sqlx::Error> {
        Ok(Self(Source::Pooled(Some(pool.acquire().await?))))
    }

    /// Whether the connection may have been lost since it was last used.
    pub(super) fn is_used(&self) -> bool {
        matches!(self.0, Source::Kept { is_used: true, .. })
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
    tokio::spawn(async move {
        let returned = tokio::time::timeout(timeout, connection.return_to_pool());
        let _ = returned.await;
    });
}
