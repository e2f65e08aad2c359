//! A connection to one server that is reestablished after it was lost.
//!
//! Each tokio runtime has its own: the driver is a task of the runtime that connected, and ends with it.
//!
//! A command is sent once. The driver's self-reconnecting connections are not used because they
//! resend commands: when a reply was lost, the command may already have been executed.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use redis::{Cmd, FromRedisValue, Pipeline, RedisResult, ServerErrorKind, Value};
use tokio::runtime::Handle;

use super::address::{Sentinels, ServerAddress};
use super::failure::Failure;
use super::local::Local;
use super::node::{Command, TimedReply};
use super::open_connection::OpenConnection;
use super::timeouts::Timeouts;

/// One server, with at most one open connection of each runtime at a time. A clone shares them.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

struct Inner {
    address: ServerAddress,
    timeouts: Timeouts,
    locals: RwLock<Vec<Arc<Local>>>,
}

/// How many replicas must confirm a change, and how to see from a reply that there was one.
#[derive(Clone, Copy)]
pub(super) struct Durability {
    pub(super) replicas: u32,
    pub(super) has_written: fn(&Value) -> bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.address, f)
    }
}

impl Connection {
    pub(super) fn new(address: ServerAddress, timeouts: Timeouts) -> Self {
        Self(Arc::new(Inner {
            address,
            timeouts,
            locals: RwLock::default(),
        }))
    }

    pub(super) fn address(&self) -> &ServerAddress {
        &self.0.address
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        self.0.timeouts
    }

    /// Connects, unless there is an open connection.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        self.get_or_connect().await.map(drop)
    }

    /// Sends a command and waits for its reply.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut open = self.get_or_connect().await?;
        let reply = open.multiplexed.send_packed_command(command).await;
        self.check_reply(&open, reply)
    }

    /// Sends commands in one round trip. The reply to one that fails is an error among the values.
    pub(super) async fn send_all(
        &self,
        commands: &Pipeline,
        count: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut open = self.get_or_connect().await?;
        let replies = open.multiplexed.send_packed_commands(commands, 0, count);
        match replies.await {
            Ok(values) => Ok(values),
            Err(error) => self.check_reply(&open, Err(error)).map(|_| Vec::new()),
        }
    }

    /// Sends a command of the store and waits for its reply. `is_asking` is set for a server that is
    /// importing the slot of the key, after an `ASK` redirect.
    pub(super) async fn run(
        &self,
        command: Command<'_>,
        is_asking: bool,
    ) -> Result<TimedReply, Failure> {
        let answer = self.run_once(command, is_asking).await;
        match answer {
            // The connection was to a server that has been demoted, and refused. A new one may lead to the
            // new primary.
            Err(failure) if failure.kind() == Some(ServerErrorKind::ReadOnly) => {
                self.run_once(command, is_asking).await
            }
            answer => answer,
        }
    }

    async fn run_once(&self, command: Command<'_>, is_asking: bool) -> Result<TimedReply, Failure> {
        let mut open = self.get_or_connect_for(command).await?;
        let answer = open.run(command, is_asking).await;
        self.check_answer(&open, answer)
    }

    /// Sends a command that may write, then waits with `WAIT` until enough replicas have the
    /// change. Both must use the same connection, since `WAIT` covers only the writes of its own
    /// connection; other commands on that connection are blocked meanwhile.
    pub(super) async fn run_and_wait(
        &self,
        command: Command<'_>,
        is_asking: bool,
        durability: Durability,
    ) -> Result<TimedReply, Failure> {
        let mut open = self.get_or_connect_for(command).await?;
        let answer = open.run(command, is_asking).await;
        let answer = self.check_answer(&open, answer)?;
        if !(durability.has_written)(&answer.value) {
            return Ok(answer);
        }
        // Less than the client's timeout, so that the client receives the number of replicas.
        let wait_timeout = self.0.timeouts.command / 2;
        let mut wait = redis::cmd("WAIT");
        wait.arg(durability.replicas).arg(
            u64::try_from(wait_timeout.as_millis())
                .unwrap_or(u64::MAX)
                .max(1),
        );
        let confirmed = open.multiplexed.send_packed_command(&wait).await;
        let confirmed: u32 = match self.check_reply(&open, confirmed) {
            Ok(confirmed) => self.read(confirmed)?,
            Err(failure) => return Err(Failure::OutcomeUnknown(failure.to_string().into())),
        };
        if confirmed < durability.replicas {
            return Err(Failure::too_few_replicas(
                &self.0.address,
                confirmed,
                durability.replicas,
            ));
        }
        Ok(answer)
    }

    /// Converts a reply to the expected type.
    pub(super) fn read<T: FromRedisValue>(&self, reply: Value) -> Result<T, Failure> {
        redis::from_redis_value(reply)
            .map_err(|error| Failure::after_sending(&self.0.address, error.into()))
    }

    fn check_answer(
        &self,
        open: &OpenConnection,
        answer: RedisResult<TimedReply>,
    ) -> Result<TimedReply, Failure> {
        let (value, now) = match answer {
            Ok(TimedReply { value, now }) => (Ok(value), now),
            Err(error) => (Err(error), None),
        };
        let value = self.check_reply(open, value)?;
        Ok(TimedReply { value, now })
    }

    fn check_reply(
        &self,
        open: &OpenConnection,
        reply: RedisResult<Value>,
    ) -> Result<Value, Failure> {
        match reply.and_then(Value::extract_error) {
            Ok(value) => Ok(value),
            Err(error) => {
                let failure = Failure::after_sending(&self.0.address, error);
                // After `READONLY` the server is no longer the primary: reconnect, which asks the
                // sentinels again. After a missing reply, the peer may be dead without having
                // closed the connection.
                let is_demoted = failure.kind() == Some(ServerErrorKind::ReadOnly);
                if is_demoted || matches!(failure, Failure::OutcomeUnknown(_)) {
                    self.discard(open);
                }
                Err(failure)
            }
        }
    }

    /// Makes the next command open a new connection. Commands in flight on the old one continue.
    fn discard(&self, dead: &OpenConnection) {
        self.with_local(|local| local.discard(dead));
    }

    /// Returns the open connection of this runtime, or connects. Takes at most twice the connect timeout:
    /// once waiting for the attempt of another caller, once for its own.
    async fn get_or_connect(&self) -> Result<OpenConnection, Failure> {
        if let Some(open) = self.with_local(|local| local.open_connection()).flatten() {
            return Ok(open);
        }
        let local = self.with_local(Arc::clone);
        let local = local.unwrap_or_else(|| self.add_local());
        // Boxed, so that the futures of commands stay small.
        Box::pin(self.reconnect(&local)).await
    }

    /// Returns the open connection, or connects, and reads the time of the server if the command needs it. The program
    /// may have been suspended since the last reading, and the clock of the server may have been set.
    async fn get_or_connect_for(&self, command: Command<'_>) -> Result<OpenConnection, Failure> {
        let open = self.get_or_connect().await?;
        if open.needs_time(command) {
            return Box::pin(self.with_time(open)).await;
        }
        Ok(open)
    }

    async fn with_time(&self, mut open: OpenConnection) -> Result<OpenConnection, Failure> {
        let time = open.read_time().await;
        match self.check_reply(&open, time) {
            Ok(_) => Ok(open),
            // The outcome is that of reading the time; the command was not sent.
            Err(Failure::OutcomeUnknown(why)) => Err(Failure::not_sent(&self.0.address, why)),
            Err(failure) => Err(failure),
        }
    }

    /// Calls a function with the state of this runtime, if there is one.
    fn with_local<T>(&self, with: impl FnOnce(&Arc<Local>) -> T) -> Option<T> {
        let runtime = Handle::current().id();
        let locals = self.0.locals.read().unwrap_or_else(PoisonError::into_inner);
        (locals.iter().find(|local| local.is_of(runtime))).map(with)
    }

    fn add_local(&self) -> Arc<Local> {
        let runtime = Handle::current().id();
        let mut locals = (self.0.locals.write()).unwrap_or_else(PoisonError::into_inner);
        if let Some(local) = locals.iter().find(|local| local.is_of(runtime)) {
            return local.clone();
        }
        // The connections of a runtime that has ended are closed.
        locals.retain(|local| Arc::strong_count(local) > 1 || local.open_connection().is_some());
        let local = Arc::new(Local::new(runtime));
        locals.push(local.clone());
        local
    }

    async fn reconnect(&self, local: &Arc<Local>) -> Result<OpenConnection, Failure> {
        let timeout = self.0.timeouts.connect;
        let connecting = tokio::time::timeout(timeout, local.connecting.lock()).await;
        let _connecting =
            connecting.map_err(|_| Failure::no_reply_in_time(&self.0.address, timeout))?;
        if let Some(open) = local.open_connection() {
            return Ok(open);
        }
        if let Some(failure) = local.outage() {
            return Err(failure);
        }
        let established = self.0.establish_in_time().await;
        match &established {
            Ok(open) => local.set(open.clone()),
            Err(failure) => {
                let connection = Arc::downgrade(&self.0);
                let establish = move || {
                    let connection = connection.upgrade()?;
                    Some(async move { connection.establish_in_time().await })
                };
                local.wait_for_the_server(failure.clone(), establish);
            }
        }
        established
    }
}

impl Inner {
    async fn establish_in_time(&self) -> Result<OpenConnection, Failure> {
        let timeout = self.timeouts.connect;
        let established = tokio::time::timeout(timeout, self.establish()).await;
        established.unwrap_or_else(|_| Err(Failure::no_reply_in_time(&self.address, timeout)))
    }

    async fn establish(&self) -> Result<OpenConnection, Failure> {
        match &self.address {
            ServerAddress::Direct(client) => OpenConnection::open(client, self.timeouts).await,
            ServerAddress::Sentinel(sentinels) => self.open_via_sentinels(sentinels).await,
        }
    }

    /// Connects to the first server that a sentinel names as the primary and that confirms it.
    async fn open_via_sentinels(
        &self,
        sentinels: &Arc<Sentinels>,
    ) -> Result<OpenConnection, Failure> {
        let mut failure = None;
        let mut replies = sentinels.find_primary(self.timeouts);
        while let Some(reply) = replies.join_next().await {
            let found = match reply {
                Ok(Ok(client)) => OpenConnection::open_primary(&client, self.timeouts).await,
                Ok(Err(failure)) => Err(failure),
                Err(error) => Err(Failure::not_sent(&self.address, error)),
            };
            match found {
                Ok(open) => return Ok(open),
                Err(why) => failure = Some(why),
            }
        }
        Err(failure
            .unwrap_or_else(|| Failure::not_sent(&self.address, "no sentinel is configured")))
    }
}
