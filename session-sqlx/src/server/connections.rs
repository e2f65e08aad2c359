//! The connections of a store that opened them itself.
//!
//! Returning a connection to sqlx's pool spawns a task and pings the server, as often as there are
//! statements. These connections stay taken from the pool, and wait here for their next statement.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Database, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lease::Lease;

/// A connection that was idle for this long is pinged before it sends a write. If the server was
/// restarted in the meantime, a write on the dead connection would have an unknown outcome. A commit
/// follows a load, whose answer proves the connection alive, and a read is repeated instead.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// A connection that was idle for this long is closed.
const CLOSE_AFTER_IDLE: Duration = Duration::from_secs(600);

/// How long a connection is used, so that the servers behind an address can change.
const LIFETIME: Duration = Duration::from_secs(1_800);

/// How long closing a connection may take.
const CLOSING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Connections<DB: Database> {
    pool: Pool<DB>,
    /// One permit for each connection of the pool.
    turns: Arc<Semaphore>,
    acquire_timeout: Duration,
    /// The connection that was used last comes last, and is used next.
    idle: Mutex<Vec<Idle<DB>>>,
}

/// An open connection, and when it was opened.
#[derive(Debug)]
pub(super) struct Open<DB: Database> {
    connection: Option<PoolConnection<DB>>,
    since: Instant,
}

#[derive(Debug)]
struct Idle<DB: Database> {
    open: Open<DB>,
    since: Instant,
}

impl<DB: Database> Connections<DB> {
    /// Connections of a pool that nothing else uses.
    pub(super) fn new(pool: Pool<DB>, connections: u32, acquire_timeout: Duration) -> Arc<Self> {
        let turns = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            pool,
            turns: Arc::new(Semaphore::new(turns)),
            acquire_timeout,
            idle: Mutex::default(),
        })
    }

    /// A connection for a read or a write: the one that was used last, or a new one.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        is_read: bool,
        timeout: Duration,
    ) -> Result<Lease<DB>, sqlx::Error> {
        let turn = self.turn().await?;
        while let Some(Idle { mut open, since }) = self.pop() {
            let is_fresh = is_read || since.elapsed() < PING_AFTER_IDLE;
            if is_fresh || open.is_alive(timeout).await {
                return Ok(Lease::kept(open, self.clone(), turn, true));
            }
            // The others are not newer. Each may take as long to find out about.
            self.close_idle();
        }
        let open = Open {
            connection: Some(self.pool.acquire().await?),
            since: Instant::now(),
        };
        Ok(Lease::kept(open, self.clone(), turn, false))
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

    fn pop(&self) -> Option<Idle<DB>> {
        self.idle().pop()
    }

    /// Keeps a connection for its next use.
    pub(super) fn keep(&self, open: Open<DB>) {
        let now = Instant::now();
        if now.duration_since(open.since) > LIFETIME {
            open.close();
            return;
        }
        let unused = {
            let mut idle = self.idle();
            idle.push(Idle { open, since: now });
            let is_unused =
                |first: &mut Idle<DB>| now.duration_since(first.since) > CLOSE_AFTER_IDLE;
            (idle.first_mut().is_some_and(is_unused)).then(|| idle.remove(0))
        };
        if let Some(unused) = unused {
            unused.open.close();
        }
    }

    /// Closes all idle connections: one of them turned out to be dead.
    pub(super) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle<DB>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Open<DB> {
    /// The connection, in place of which nothing remains.
    pub(super) fn take(&mut self) -> Self {
        Self {
            connection: self.connection.take(),
            since: self.since,
        }
    }

    /// The connection; `None` after it was taken.
    pub(super) fn connection(&mut self) -> Option<&mut DB::Connection> {
        self.connection.as_deref_mut()
    }

    async fn is_alive(&mut self, timeout: Duration) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let ping = tokio::time::timeout(timeout, connection.ping()).await;
        matches!(ping, Ok(Ok(())))
    }

    /// Says goodbye to the server, in a task that nothing waits for.
    fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            let closing = tokio::time::timeout(CLOSING, connection.close());
            tokio::spawn(async move { drop(closing.await) });
        }
    }
}

/// Closes the connection at once. Returning it to the pool would need a runtime, and ping it.
impl<DB: Database> Drop for Open<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}
