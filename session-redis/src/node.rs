//! One server: a shared connection, and a pool of exclusive ones for changes that wait for
//! replicas.

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
    pub(super) cmd: &'a Cmd,
    /// Set if replicas must confirm what the command writes.
    pub(super) durability: Option<Durability>,
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
    ) -> Result<Value, Failure> {
        let Some(durability) = command.durability else {
            return if is_asking {
                self.connection.ask(command.cmd).await
            } else {
                self.connection.send(command.cmd).await
            };
        };
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
            .send_and_wait(command.cmd, is_asking, durability)
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
