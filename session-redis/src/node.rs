//! One server: a link that all share, and, where replicas are waited for, some that nobody shares.

use std::sync::{Arc, Mutex, PoisonError};

use redis::{Cmd, Value};
use tokio::sync::Semaphore;

use super::address::ServerAddress;
use super::connection::{Connection, Durability};
use super::failure::Failure;
use super::timeouts::Timeouts;

/// How many changes at once may wait for the replicas of a server.
const MAX_WAITING: usize = 32;

/// A server. A clone is the same one.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) connection: Connection,
    wait_pool: Arc<WaitPool>,
}

/// Links for one change at a time: a connection that waits for replicas can do nothing else.
#[derive(Debug)]
struct WaitPool {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A command, and how it is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    pub(super) cmd: &'a Cmd,
    /// How many replicas must have what it writes, if any.
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
                format_args!("{MAX_WAITING} changes wait for its replicas already"),
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
