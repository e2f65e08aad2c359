//! A connection while it is in use.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::{Connections, Open, Traits};

/// A connection while it is in use. If it is dropped before it was returned, it is closed, unless it can
/// still be used.
pub(crate) struct Lease<DB: Database>(Source<DB>);

enum Source<DB: Database> {
    Kept {
        open: Open<DB>,
        home: Arc<Connections<DB>>,
        _turn: OwnedSemaphorePermit,
        /// Whether it was used before, and may have been lost since.
        is_used: bool,
    },
    /// From the pool of an application, which may need it for its own statements.
    Pooled {
        connection: Option<PoolConnection<DB>>,
        traits: &'static Traits,
    },
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

    pub(crate) async fn pooled(
        pool: &Pool<DB>,
        traits: &'static Traits,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self(Source::Pooled {
            connection: Some(pool.acquire().await?),
            traits,
        }))
    }

    /// Whether the connection may have been lost since it was last used.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        expect(dead_code, reason = "a connection to a file is not lost")
    )]
    pub(crate) fn is_used(&self) -> bool {
        matches!(self.0, Source::Kept { is_used: true, .. })
    }

    /// The connection; `None` after it was returned.
    pub(crate) fn connection(&mut self) -> Option<&mut DB::Connection> {
        match &mut self.0 {
            Source::Kept { open, .. } => open.connection(),
            Source::Pooled { connection, .. } => connection.as_deref_mut(),
        }
    }

    /// Returns the connection for its next use.
    pub(crate) fn release(mut self, timeout: Duration) {
        match &mut self.0 {
            Source::Kept { open, home, .. } => home.keep(open.take()),
            Source::Pooled { connection, .. } => {
                if let Some(connection) = connection.take() {
                    return_connection(connection, timeout);
                }
            }
        }
    }

    /// Closes the connection.
    #[cfg(feature = "sqlite")]
    pub(crate) fn close(mut self) {
        match &mut self.0 {
            Source::Kept { open, .. } => drop(open.take()),
            Source::Pooled { connection, .. } => {
                drop(connection.take().map(PoolConnection::detach));
            }
        }
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        match &mut self.0 {
            Source::Kept { open, home, .. } if home.traits.is_resumable => home.keep(open.take()),
            Source::Kept { open, .. } => drop(open.take()),
            Source::Pooled { connection, traits } => {
                let Some(connection) = connection.take() else {
                    return;
                };
                // The pool needs a runtime to take it back.
                if !traits.is_resumable || Handle::try_current().is_err() {
                    drop(connection.detach());
                }
            }
        }
    }
}

/// Returns a connection to its pool, which pings it, in a task that nothing waits for. On a network that
/// drops packets silently, the ping of the pool would block for as long as TCP does, about 15 minutes,
/// and the pool would be one connection short for that time.
fn return_connection<DB: Database>(mut connection: PoolConnection<DB>, timeout: Duration) {
    tokio::spawn(async move {
        let returned = tokio::time::timeout(timeout, connection.return_to_pool());
        let _ = returned.await;
    });
}
