//! One connection to a server, while it lasts.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult, Value};

use super::address::ServerAddress;
use super::clock::{Estimate, ServerClock, local_millis};
use super::failure::Failure;
use super::node::{Command, TimedReply};
use super::timeouts::Timeouts;

/// How many commands, and how many bytes of them, wait to be sent without delaying further ones. With the
/// driver's defaults, many small commands at once already take several system calls.
const MAX_QUEUED: usize = 1_024;
const MAX_UNSENT: usize = 64 << 10;

/// An established connection. A clone uses the same connection.
#[derive(Clone)]
pub(super) struct OpenConnection {
    pub(super) multiplexed: MultiplexedConnection,
    clock: Arc<ServerClock>,
    /// Upgradable for as long as the driver reads from the connection.
    driver: Weak<()>,
}

impl OpenConnection {
    /// Connects, authenticates, selects the database, and reads the server's time.
    pub(super) async fn open(client: &Client, timeouts: Timeouts) -> Result<Self, Failure> {
        let alive = Arc::new(());
        let driver = Arc::downgrade(&alive);
        // The driver owns the push sender, and drops it when the connection ends.
        let push = move |_| {
            let _ = &alive;
            Ok::<(), Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeouts.connect))
            .set_response_timeout(Some(timeouts.command))
            .set_pipeline_buffer_size(MAX_QUEUED)
            .set_write_backpressure_boundary(MAX_UNSENT)
            .set_push_sender(push);
        let multiplexed = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| {
                Failure::while_connecting(&ServerAddress::direct(client.clone()), error)
            })?;
        let mut open = Self {
            multiplexed,
            clock: Arc::default(),
            driver,
        };
        // Without permission for this command, the scripts fail and say so.
        let _ = open.read_time().await;
        Ok(open)
    }

    /// Whether the server's time has to be read before a command that contains it.
    pub(super) fn needs_time(&self, command: Command<'_>) -> bool {
        command.contains_time() && self.clock.estimate().is_outdated
    }

    /// Reads the server's time.
    pub(super) async fn read_time(&mut self) -> RedisResult<Value> {
        let command = redis::cmd("TIME");
        let time = self.multiplexed.send_packed_command(&command).await?;
        self.clock.observe(&time);
        Ok(time)
    }

    /// Sends a command of the store and waits for its reply; reads the server's time with it if the
    /// last reading is old. `is_asking` is set for a server that is importing the slot of the key.
    pub(super) async fn run(
        &mut self,
        command: Command<'_>,
        is_asking: bool,
    ) -> RedisResult<TimedReply> {
        let Estimate { now, is_outdated } = self.clock.estimate();
        let cmd = command.cmd_at(now.unwrap_or_else(local_millis));
        if is_outdated || is_asking {
            // Boxed, as few commands need it: the futures of the others stay small.
            return Box::pin(self.run_with(cmd.into_owned(), is_outdated, is_asking)).await;
        }
        let value = self.multiplexed.send_packed_command(&cmd).await?;
        self.clock.compare(&value);
        Ok(TimedReply { value, now })
    }

    /// Sends a command together with those before it.
    async fn run_with(
        &mut self,
        cmd: Cmd,
        reads_time: bool,
        is_asking: bool,
    ) -> RedisResult<TimedReply> {
        let mut commands = redis::pipe();
        if reads_time {
            commands.cmd("TIME");
        }
        if is_asking {
            commands.cmd("ASKING");
        }
        commands.add_command(cmd);
        let count = 1 + usize::from(reads_time) + usize::from(is_asking);
        let replies = (self.multiplexed).send_packed_commands(&commands, 0, count);
        let mut replies = replies.await?;
        let value = replies.pop().unwrap_or(Value::Nil);
        if let Some(time) = replies.first().filter(|_| reads_time) {
            self.clock.observe(time);
        }
        self.clock.compare(&value);
        let now = self.clock.estimate().now;
        Ok(TimedReply { value, now })
    }

    /// Opens a connection to a server that a sentinel names as the primary. Fails if the server
    /// itself does not confirm that: a sentinel may not have noticed a failover yet.
    pub(super) async fn open_primary(client: &Client, timeouts: Timeouts) -> Result<Self, Failure> {
        let mut open = Self::open(client, timeouts).await?;
        let server = ServerAddress::direct(client.clone());
        let role = redis::cmd("ROLE").query_async(&mut open.multiplexed).await;
        let role: Vec<Value> = role.map_err(|error| Failure::while_connecting(&server, error))?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(open),
            _ => Err(Failure::not_sent(
                &server,
                "a sentinel names it as the primary, but the server reports another role",
            )),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.driver.strong_count() > 0
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.driver.ptr_eq(&other.driver)
    }
}
