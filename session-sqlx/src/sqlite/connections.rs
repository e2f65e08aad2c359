//! The connections of a store that opened them itself.
//!
//! Returning a connection to sqlx's pool spawns a task and pings the connection, as often as there are
//! statements. These connections stay taken from the pool, and wait here for their next statement. Each has
//! a thread of its own, so any tokio runtime can use it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Connection = PoolConnection<Sqlite>;

pub(super) struct Connections {
    pool: SqlitePool,
    /// One permit for each connection.
    turns: Arc<Semaphore>,
    acquire_timeout: Duration,
    /// The connection that was used last comes last, and is used next.
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    /// At most this many connections of a pool that nothing but the store uses.
    pub(super) fn new(pool: SqlitePool, connections: u32, acquire_timeout: Duration) -> Arc<Self> {
        let turns = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            pool,
            turns: Arc::new(Semaphore::new(turns)),
            acquire_timeout,
            idle: Mutex::default(),
        })
    }

    /// The connection that was used last, or a new one.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Lease, sqlx::Error> {
        let turn = self.turn().await?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            // Boxed, because the driver's future is large.
            None => Box::pin(self.pool.acquire()).await?,
        };
        Ok(Lease {
            connection: Some(connection),
            home: Some((self.clone(), turn)),
        })
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        // Without a timer, if there is a free one.
        if let Ok(turn) = self.turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let turn = self.turns.clone().acquire_owned();
        let turn = tokio::time::timeout(self.acquire_timeout, turn).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?;
        turn.map_err(|_| sqlx::Error::PoolClosed)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the connections. Returning them to the pool would need a runtime.
impl Drop for Connections {
    fn drop(&mut self) {
        for connection in self.idle().drain(..) {
            drop(connection.detach());
        }
    }
}

/// A connection while it is in use. It is returned when it is dropped, also in the middle of a statement:
/// the answers of another one never mix with the next.
pub(super) struct Lease {
    connection: Option<Connection>,
    /// `None` if it belongs to the pool of an application.
    home: Option<(Arc<Connections>, OwnedSemaphorePermit)>,
}

impl Lease {
    /// A connection of the pool of an application, which may need it for its own statements.
    pub(super) async fn pooled(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            connection: Some(pool.acquire().await?),
            home: None,
        })
    }

    /// The connection; `None` after it was closed.
    pub(super) fn connection(&mut self) -> Option<&mut SqliteConnection> {
        self.connection.as_deref_mut()
    }

    /// Closes the connection.
    pub(super) fn close(mut self) {
        drop(self.connection.take().map(PoolConnection::detach));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        match &self.home {
            Some((home, _)) => home.idle().push(connection),
            // The pool needs a runtime to take it back.
            None if Handle::try_current().is_ok() => drop(connection),
            None => drop(connection.detach()),
        }
    }
}
