//! One server: a shared connection, and a pool of exclusive ones for changes that wait for
//! replicas.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use redis::{Cmd, Value};
use tokio::sync::Semaphore;

use super::address::ServerAddress;
use super::connection::{Connection, Durability};
use super::failure::Failure;
use super::timeouts::Timeouts;

/// How many changes may wait for the replicas of a server at the same time.
const MAX_WAITING: usize = 32;

/// A server. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) connection: Connection,
    wait_pool: Arc<WaitPool>,
}

/// Exclusive connections: `WAIT` blocks all other commands on its connection.
#[derive(Debug)]
struct WaitPool {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A command, and whether to wait for replicas after it.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    cmd: TimedCmd<'a>,
    /// Set if replicas must confirm what the command writes.
    durability: Option<Durability>,
}

/// A command that may contain the time of the server that executes it.
#[derive(Clone, Copy)]
enum TimedCmd<'a> {
    Timeless(&'a Cmd),
    /// Takes the server's estimated time, in milliseconds since 1970.
    At(&'a (dyn Fn(u64) -> Cmd + Sync)),
}

impl<'a> Command<'a> {
    pub(super) const fn new(cmd: &'a Cmd, durability: Option<Durability>) -> Self {
        let cmd = TimedCmd::Timeless(cmd);
        Self { cmd, durability }
    }

    /// A command that contains the time of the server that executes it.
    pub(super) const fn at(
        cmd: &'a (dyn Fn(u64) -> Cmd + Sync),
        durability: Option<Durability>,
    ) -> Self {
        let cmd = TimedCmd::At(cmd);
        Self { cmd, durability }
    }

    /// Whether the command contains the time of the server.
    pub(super) const fn contains_time(&self) -> bool {
        matches!(self.cmd, TimedCmd::At(_))
    }

    /// The command for a server with this time.
    pub(super) fn cmd_at(self, now: u64) -> Cow<'a, Cmd> {
        match self.cmd {
            TimedCmd::Timeless(cmd) => Cow::Borrowed(cmd),
            TimedCmd::At(cmd) => Cow::Owned(cmd(now)),
        }
    }
}

/// The reply to a command, and the time of the server, estimated when the command was sent or later.
pub(super) struct TimedReply {
    pub(super) value: Value,
    /// In milliseconds since 1970; `None` if the server did not tell its time.
    pub(super) now: Option<u64>,
}

impl Node {
    pub(super) fn new(address: ServerAddress, timeouts: Timeouts) -> Self {
        Self {
            connection: Connection::new(address, timeouts),
            wait_pool: Arc::new(WaitPool {
                permits: Semaphore::new(MAX_WAITING),
                idle: Mutex::default(),
            }),
        }
    }

    pub(super) async fn send(
        &self,
        command: Command<'_>,
        is_asking: bool,
    ) -> Result<TimedReply, Failure> {
        let Some(durability) = command.durability else {
            return self.connection.run(command, is_asking).await;
        };
        Box::pin(self.run_durably(command, is_asking, durability)).await
    }

    async fn run_durably(
        &self,
        command: Command<'_>,
        is_asking: bool,
        durability: Durability,
    ) -> Result<TimedReply, Failure> {
        let timeout = self.connection.timeouts().command;
        let permit = tokio::time::timeout(timeout, self.wait_pool.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(Failure::not_sent(
                self.connection.address(),
                format_args!("{MAX_WAITING} changes are already waiting for its replicas"),
            ));
        };
        let idle = self.wait_pool.idle().pop();
        let connection = idle.unwrap_or_else(|| {
            Connection::new(
                self.connection.address().clone(),
                self.connection.timeouts(),
            )
        });
        let reply = connection
            .run_and_wait(command, is_asking, durability)
            .await;
        self.wait_pool.idle().push(connection);
        reply
    }
}

impl WaitPool {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
