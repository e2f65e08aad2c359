//! The connections of a store that opened them itself.
//!
//! sqlx's pool spawns a task and pings the server whenever a connection is returned, and can hand out
//! connections of a tokio runtime that has ended. These wait here for their next statement.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions as _, Connection as _, Database};
use tokio::runtime::{self, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::OptionsOf;
use super::circuit::{Circuit, Outage};
use super::lease::Lease;
use super::outage::{cannot_connect, no_answer_within};

/// A connection that was idle for this long is pinged before it sends a write. If the server was
/// restarted in the meantime, a write on the dead connection would have an unknown outcome. A commit
/// follows a load, whose answer proves the connection alive, and a read is repeated instead.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// A connection that was idle for this long is closed.
const CLOSE_AFTER_IDLE: Duration = Duration::from_mins(10);

/// How long a connection is used, so that the servers behind an address can change.
const LIFETIME: Duration = Duration::from_mins(30);

/// How long closing a connection may take.
const CLOSING: Duration = Duration::from_secs(5);

pub(crate) struct Connections<DB: Database> {
    options: OptionsOf<DB>,
    circuit: Circuit,
    /// One permit for each connection in use.
    turns: Arc<Semaphore>,
    most: usize,
    acquire_timeout: Duration,
    kept: Mutex<Kept<DB>>,
}

struct Kept<DB: Database> {
    /// The connection that was used last comes last, and is used next.
    idle: Vec<Idle<DB>>,
    /// Connections of an earlier generation are not used again.
    generation: u64,
}

/// An open connection.
pub(super) struct Open<DB: Database> {
    connection: Option<DB::Connection>,
    since: Instant,
    /// The runtime that drives it. In another one it would hang, or fail once that one has ended.
    runtime: runtime::Id,
    generation: u64,
}

struct Idle<DB: Database> {
    open: Open<DB>,
    since: Instant,
}

impl<DB: Database> Connections<DB> {
    pub(super) fn new(
        options: OptionsOf<DB>,
        circuit: Circuit,
        connections: u32,
        acquire_timeout: Duration,
    ) -> Arc<Self> {
        let most = usize::try_from(connections).unwrap_or(usize::MAX);
        let most = most.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            options,
            circuit,
            turns: Arc::new(Semaphore::new(most)),
            most,
            acquire_timeout,
            kept: Mutex::new(Kept {
                idle: Vec::new(),
                generation: 0,
            }),
        })
    }

    /// A connection for a read or a write: the one that was used last, or a new one.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        is_read: bool,
        timeout: Duration,
    ) -> Result<Lease<DB>, Outage> {
        let turn = self.turn().await?;
        while let Some(Idle { mut open, since }) = self.pop() {
            let is_fresh = is_read || since.elapsed() < PING_AFTER_IDLE;
            if is_fresh || open.is_alive(timeout).await {
                return Ok(Lease::kept(open, self.clone(), turn, true));
            }
            // The others are not newer. Each may take as long to find out about.
            self.retire();
        }
        // Boxed, so that the futures of statements stay small.
        let open = Box::pin(self.open()).await?;
        Ok(Lease::kept(open, self.clone(), turn, false))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Outage> {
        // Without a timer, if there is a free one.
        if let Ok(turn) = self.turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let turn = self.turns.clone().acquire_owned();
        match self.circuit.within(self.acquire_timeout, turn).await {
            Some(Ok(turn)) => Ok(turn),
            Some(Err(_)) | None => Err(Outage::new(
                true,
                format_args!("all {} are in use", self.most),
            )),
        }
    }

    /// Opens a connection, unless the server is known to accept none.
    async fn open(&self) -> Result<Open<DB>, Outage> {
        if let Some(outage) = self.circuit.outage() {
            return Err(outage);
        }
        self.make_room();
        let generation = self.kept().generation;
        let connecting = self.options.connect();
        let connected = match self.circuit.within(self.acquire_timeout, connecting).await {
            Some(connected) => connected.map_err(|error| cannot_connect(&error)),
            None => Err(no_answer_within(self.acquire_timeout)),
        };
        let connection = connected.inspect_err(|outage| self.circuit.open(outage.clone()))?;
        Ok(Open {
            connection: Some(connection),
            since: Instant::now(),
            runtime: Handle::current().id(),
            generation,
        })
    }

    /// Closes connections that wait for another runtime, so that there are never too many.
    fn make_room(&self) {
        let in_use = self.most - self.turns.available_permits();
        let mut kept = self.kept();
        let surplus = (kept.idle.len() + in_use).saturating_sub(self.most);
        let surplus = surplus.min(kept.idle.len());
        let closed: Vec<_> = kept.idle.drain(..surplus).collect();
        drop(kept);
        drop(closed);
    }

    /// Takes the last idle connection of the current runtime.
    fn pop(&self) -> Option<Idle<DB>> {
        let runtime = Handle::current().id();
        let mut kept = self.kept();
        let at = (kept.idle.iter()).rposition(|idle| idle.open.runtime == runtime)?;
        Some(kept.idle.remove(at))
    }

    /// Keeps a connection for its next use.
    pub(super) fn keep(&self, open: Open<DB>) {
        let now = Instant::now();
        if now.duration_since(open.since) > LIFETIME {
            open.close();
            return;
        }
        let mut kept = self.kept();
        if open.generation != kept.generation {
            drop(kept);
            open.close();
            return;
        }
        kept.idle.push(Idle { open, since: now });
        let is_unused = |first: &mut Idle<DB>| now.duration_since(first.since) > CLOSE_AFTER_IDLE;
        let unused = kept.idle.first_mut().is_some_and(is_unused);
        let unused = unused.then(|| kept.idle.remove(0));
        drop(kept);
        if let Some(unused) = unused {
            unused.open.close();
        }
    }

    /// Closes all connections, those in use after their statement: one of them turned out to be dead, or
    /// to lead to a server that no longer accepts writes.
    pub(super) fn retire(&self) {
        let mut kept = self.kept();
        kept.generation += 1;
        let retired = std::mem::take(&mut kept.idle);
        drop(kept);
        drop(retired);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<DB>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Open<DB> {
    /// The connection, in place of which nothing remains.
    pub(super) fn take(&mut self) -> Self {
        Self {
            connection: self.connection.take(),
            ..*self
        }
    }

    /// The connection; `None` after it was taken.
    pub(super) fn connection(&mut self) -> Option<&mut DB::Connection> {
        self.connection.as_mut()
    }

    async fn is_alive(&mut self, timeout: Duration) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let ping = tokio::time::timeout(timeout, connection.ping()).await;
        matches!(ping, Ok(Ok(())))
    }

    /// Says goodbye to the server, in a task that nothing waits for. Only its own runtime can.
    fn close(mut self) {
        if let Some(connection) = self.connection.take()
            && let Ok(runtime) = Handle::try_current()
            && runtime.id() == self.runtime
        {
            let closing = connection.close();
            runtime.spawn(async move { drop(tokio::time::timeout(CLOSING, closing).await) });
        }
    }
}
