//! The connections of a store that opened them itself.
//!
//! Returning a connection to sqlx's pool spawns a task and pings the connection, as often as there are
//! statements. These connections stay taken from the pool, and wait here for their next statement.

mod lease;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Database, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::lease::Lease;

/// How a database treats its connections.
#[derive(Debug)]
pub(crate) struct Traits {
    /// A connection that was idle for this long is pinged before it is used for a write.
    ping_after_idle: Duration,
    /// A connection that was idle for this long is closed.
    close_after_idle: Duration,
    /// How long a connection is used.
    lifetime: Duration,
    /// Whether a connection can be used on if it was dropped in the middle of a statement. Otherwise it
    /// is closed: what it receives next would be the answer to that statement.
    is_resumable: bool,
}

impl Traits {
    /// If the server was restarted while a connection was idle, a write on it would have an unknown
    /// outcome. A commit follows a load, whose answer proves the connection alive, and a read is repeated
    /// instead. The lifetime lets the servers behind an address change.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) const SERVER: Self = Self {
        ping_after_idle: Duration::from_secs(1),
        close_after_idle: Duration::from_secs(600),
        lifetime: Duration::from_secs(1_800),
        is_resumable: false,
    };

    /// A connection to a file does not break, and a database in memory ends with its connection.
    #[cfg(feature = "sqlite")]
    pub(crate) const EMBEDDED: Self = Self {
        ping_after_idle: Duration::MAX,
        close_after_idle: Duration::MAX,
        lifetime: Duration::MAX,
        is_resumable: true,
    };
}

/// How long closing a connection may take.
const CLOSING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Connections<DB: Database> {
    traits: &'static Traits,
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
    /// At most this many connections of a pool that nothing but the store uses.
    pub(crate) fn new(
        traits: &'static Traits,
        pool: Pool<DB>,
        connections: u32,
        acquire_timeout: Duration,
    ) -> Arc<Self> {
        let turns = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            traits,
            pool,
            turns: Arc::new(Semaphore::new(turns)),
            acquire_timeout,
            idle: Mutex::default(),
        })
    }

    /// A connection for a read or a write: the one that was used last, or a new one.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        is_read: bool,
        timeout: Duration,
    ) -> Result<Lease<DB>, sqlx::Error> {
        let turn = self.turn().await?;
        while let Some(Idle { mut open, since }) = self.pop() {
            let is_fresh = is_read || since.elapsed() < self.traits.ping_after_idle;
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

    /// Keeps a connection, unless it was taken, for its next use.
    pub(super) fn keep(&self, open: Open<DB>) {
        if open.connection.is_none() {
            return;
        }
        let now = Instant::now();
        if now.duration_since(open.since) > self.traits.lifetime {
            open.close();
            return;
        }
        let unused = {
            let mut idle = self.idle();
            idle.push(Idle { open, since: now });
            let is_unused = |first: &mut Idle<DB>| {
                now.duration_since(first.since) > self.traits.close_after_idle
            };
            (idle.first_mut().is_some_and(is_unused)).then(|| idle.remove(0))
        };
        if let Some(unused) = unused {
            unused.open.close();
        }
    }

    /// Closes all idle connections: one of them turned out to be dead.
    pub(crate) fn close_idle(&self) {
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
