//! The way to one server: a connection that is established again when it is lost.
//!
//! A command is sent once. The driver's connections that send again by themselves are not used:
//! nobody can tell whether a command whose reply was lost has been done.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, RedisResult, ServerErrorKind, Value};

use super::address::{Sentinels, ServerAddress};
use super::failure::Failure;
use super::open_connection::OpenConnection;
use super::timeouts::Timeouts;

/// How long a server that could not be confirmed is left alone at first; it doubles every time.
const MIN_BACKOFF: Duration = Duration::from_millis(50);
/// How long it is left alone at most.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// A way to one server, which is one connection at a time. A clone is the same one.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

struct Inner {
    address: ServerAddress,
    timeouts: Timeouts,
    current: RwLock<Option<OpenConnection>>,
    /// Held by whoever connects, so that the others wait for what comes of it.
    outage: tokio::sync::Mutex<Option<Outage>>,
}

/// Why the server could not be confirmed, and until when that is taken for granted.
struct Outage {
    failure: Failure,
    pause: Duration,
    until: Instant,
}

/// How many replicas must have a change, and whether an reply says that there was one.
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
            current: RwLock::default(),
            outage: tokio::sync::Mutex::default(),
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

    /// Connects, if there is no connection.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        self.get_or_connect().await.map(drop)
    }

    /// Sends a command, and waits for its reply.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut open = self.get_or_connect().await?;
        let reply = open.multiplexed.send_packed_command(command).await;
        self.check_reply(&open, reply)
    }

    /// Sends a command to a server that takes over the slot of its key, and does not own it yet.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut open = self.get_or_connect().await?;
        let mut commands = redis::pipe();
        commands.cmd("ASKING").add_command(command.clone());
        let replies = open.multiplexed.send_packed_commands(&commands, 0, 2).await;
        let last = replies.map(|mut replies| replies.pop().unwrap_or(Value::Nil));
        self.check_reply(&open, last)
    }

    /// Sends a command that may write, and waits until enough replicas have what it wrote. The
    /// connection can do nothing else meanwhile. It must be one and the same for commands: a server
    /// waits for what this connection wrote.
    pub(super) async fn send_and_wait(
        &self,
        command: &Cmd,
        is_asking: bool,
        durability: Durability,
    ) -> Result<Value, Failure> {
        let mut open = self.get_or_connect().await?;
        let mut commands = redis::pipe();
        if is_asking {
            commands.cmd("ASKING");
        }
        commands.add_command(command.clone());
        let count = if is_asking { 2 } else { 1 };
        let replies = open
            .multiplexed
            .send_packed_commands(&commands, 0, count)
            .await;
        let last = replies.map(|mut replies| replies.pop().unwrap_or(Value::Nil));
        let reply = self.check_reply(&open, last)?;
        if !(durability.has_written)(&reply) {
            return Ok(reply);
        }
        // The server gives up before the client does, so that the client learns how many there are.
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
        Ok(reply)
    }

    /// An reply as the type that it has to be.
    pub(super) fn read<T: FromRedisValue>(&self, reply: Value) -> Result<T, Failure> {
        redis::from_redis_value(reply)
            .map_err(|error| Failure::after_sending(&self.0.address, error.into()))
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
                // A server that is no primary any longer is asked by its name again; one that does
                // not reply is given up, as it might never close the connection.
                let is_demoted = failure.kind() == Some(ServerErrorKind::ReadOnly);
                if is_demoted || matches!(failure, Failure::OutcomeUnknown(_)) {
                    self.discard(open);
                }
                Err(failure)
            }
        }
    }

    /// The next command makes a connection of its own. Who still waits on this one goes on.
    fn discard(&self, dead: &OpenConnection) {
        let mut open = self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|open| open.is_same(dead)) {
            *open = None;
        }
    }

    fn open_connection(&self) -> Option<OpenConnection> {
        let open = self
            .0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        open.clone().filter(OpenConnection::is_open)
    }

    /// The connection, established if there is none. It takes at most twice the time to connect.
    async fn get_or_connect(&self) -> Result<OpenConnection, Failure> {
        if let Some(open) = self.open_connection() {
            return Ok(open);
        }
        let timeout = self.0.timeouts.connect;
        let mut outage = tokio::time::timeout(timeout, self.0.outage.lock())
            .await
            .map_err(|_| Failure::no_reply_in_time(&self.0.address, timeout))?;
        if let Some(open) = self.open_connection() {
            return Ok(open);
        }
        if let Some(outage) = &*outage
            && Instant::now() < outage.until
        {
            return Err(outage.failure.clone());
        }
        let established = tokio::time::timeout(timeout, self.establish()).await;
        let established = established
            .unwrap_or_else(|_| Err(Failure::no_reply_in_time(&self.0.address, timeout)));
        match established {
            Ok(open) => {
                *outage = None;
                *self
                    .0
                    .current
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
                Ok(open)
            }
            Err(failure) => {
                let before = outage.as_ref().map(|outage| outage.pause * 2);
                let pause = before.unwrap_or(MIN_BACKOFF).min(MAX_BACKOFF);
                *outage = Some(Outage {
                    failure: failure.clone(),
                    pause,
                    until: Instant::now() + pause,
                });
                Err(failure)
            }
        }
    }

    async fn establish(&self) -> Result<OpenConnection, Failure> {
        match &self.0.address {
            ServerAddress::Direct(client) => OpenConnection::open(client, self.0.timeouts).await,
            ServerAddress::Sentinel(sentinels) => self.open_via_sentinels(sentinels).await,
        }
    }

    /// The first server that a sentinel names as the primary and that says so itself.
    async fn open_via_sentinels(
        &self,
        sentinels: &Arc<Sentinels>,
    ) -> Result<OpenConnection, Failure> {
        let mut failure = None;
        let mut replies = sentinels.find_primary(self.0.timeouts);
        while let Some(reply) = replies.join_next().await {
            let found = match reply {
                Ok(Ok(client)) => OpenConnection::open_primary(&client, self.0.timeouts).await,
                Ok(Err(failure)) => Err(failure),
                Err(error) => Err(Failure::not_sent(&self.0.address, error)),
            };
            match found {
                Ok(open) => return Ok(open),
                Err(why) => failure = Some(why),
            }
        }
        Err(failure.unwrap_or_else(|| Failure::not_sent(&self.0.address, "there is no sentinel")))
    }
}
