//! The way to one server: a connection that is made again when it is lost.
//!
//! A command is sent once. The driver's connections that send again by themselves are not used:
//! nobody can tell whether a command whose answer was lost has been done.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ServerErrorKind, Value,
};

use super::failure::Failure;
use super::target::{Sentinels, Target};

/// How long a server that could not be reached is left alone at first; it doubles every time.
const BACK_OFF: Duration = Duration::from_millis(50);
/// How long it is left alone at most.
const BACK_OFF_AT_MOST: Duration = Duration::from_secs(1);

/// How long to wait for a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) command: Duration,
}

/// A way to one server, which is one connection at a time. A clone is the same one.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    target: Target,
    patience: Patience,
    live: RwLock<Option<Live>>,
    /// Held by whoever connects, so that the others wait for what comes of it.
    outage: tokio::sync::Mutex<Option<Outage>>,
}

/// A connection, and whether it still is one.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// Held by the driver for as long as it reads from the connection.
    driver: Weak<()>,
}

/// Why the server could not be reached, and until when that is taken for granted.
struct Outage {
    failure: Failure,
    pause: Duration,
    until: Instant,
}

/// How many replicas must have a change, and whether an answer says that there was one.
#[derive(Clone, Copy)]
pub(super) struct Durability {
    pub(super) replicas: u32,
    pub(super) has_written: fn(&Value) -> bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.target, f)
    }
}

impl Link {
    pub(super) fn new(target: Target, patience: Patience) -> Self {
        Self(Arc::new(Inner {
            target,
            patience,
            live: RwLock::default(),
            outage: tokio::sync::Mutex::default(),
        }))
    }

    pub(super) fn target(&self) -> &Target {
        &self.0.target
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// Connects, if there is no connection.
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        self.live().await.map(drop)
    }

    /// Sends a command, and waits for its answer.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut live = self.live().await?;
        let answer = live.connection.send_packed_command(command).await;
        self.judge(&live, answer)
    }

    /// Sends a command to a server that takes over the slot of its key, and does not own it yet.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut live = self.live().await?;
        let mut both = redis::pipe();
        both.cmd("ASKING").add_command(command.clone());
        let answers = live.connection.send_packed_commands(&both, 0, 2).await;
        let last = answers.map(|mut answers| answers.pop().unwrap_or(Value::Nil));
        self.judge(&live, last)
    }

    /// Sends a command that may write, and waits until enough replicas have what it wrote. The
    /// connection can do nothing else meanwhile. It must be one and the same for both: a server
    /// waits for what this connection wrote.
    pub(super) async fn send_and_wait(
        &self,
        command: &Cmd,
        is_asking: bool,
        durability: Durability,
    ) -> Result<Value, Failure> {
        let mut live = self.live().await?;
        let mut commands = redis::pipe();
        if is_asking {
            commands.cmd("ASKING");
        }
        commands.add_command(command.clone());
        let count = if is_asking { 2 } else { 1 };
        let answers = live
            .connection
            .send_packed_commands(&commands, 0, count)
            .await;
        let last = answers.map(|mut answers| answers.pop().unwrap_or(Value::Nil));
        let answer = self.judge(&live, last)?;
        if !(durability.has_written)(&answer) {
            return Ok(answer);
        }
        // The server gives up before the client does, so that the client learns how many there are.
        let at_most = self.0.patience.command / 2;
        let mut wait = redis::cmd("WAIT");
        wait.arg(durability.replicas).arg(
            u64::try_from(at_most.as_millis())
                .unwrap_or(u64::MAX)
                .max(1),
        );
        let reached = live.connection.send_packed_command(&wait).await;
        let reached: u32 = match self.judge(&live, reached) {
            Ok(reached) => self.read(reached)?,
            Err(failure) => return Err(Failure::Lost(failure.to_string().into())),
        };
        if reached < durability.replicas {
            return Err(Failure::too_few_replicas(
                &self.0.target,
                reached,
                durability.replicas,
            ));
        }
        Ok(answer)
    }

    /// An answer as the type that it has to be.
    pub(super) fn read<T: FromRedisValue>(&self, answer: Value) -> Result<T, Failure> {
        redis::from_redis_value(answer)
            .map_err(|error| Failure::of_answer(&self.0.target, error.into()))
    }

    fn judge(&self, live: &Live, answer: RedisResult<Value>) -> Result<Value, Failure> {
        match answer.and_then(Value::extract_error) {
            Ok(value) => Ok(value),
            Err(error) => {
                let failure = Failure::of_answer(&self.0.target, error);
                // A server that is no primary any longer is asked by its name again; one that does
                // not answer is given up, as it might never close the connection.
                let is_demoted = failure.kind() == Some(ServerErrorKind::ReadOnly);
                if is_demoted || matches!(failure, Failure::Lost(_)) {
                    self.give_up(live);
                }
                Err(failure)
            }
        }
    }

    /// The next command makes a connection of its own. Who still waits on this one goes on.
    fn give_up(&self, dead: &Live) {
        let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
        if live
            .as_ref()
            .is_some_and(|live| live.driver.ptr_eq(&dead.driver))
        {
            *live = None;
        }
    }

    fn current(&self) -> Option<Live> {
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone().filter(|live| live.driver.strong_count() > 0)
    }

    /// The connection, made if there is none. It takes at most twice the time to connect.
    async fn live(&self) -> Result<Live, Failure> {
        if let Some(live) = self.current() {
            return Ok(live);
        }
        let patience = self.0.patience.connect;
        let mut outage = tokio::time::timeout(patience, self.0.outage.lock())
            .await
            .map_err(|_| Failure::no_connection(&self.0.target, patience))?;
        if let Some(live) = self.current() {
            return Ok(live);
        }
        if let Some(outage) = &*outage
            && Instant::now() < outage.until
        {
            return Err(outage.failure.clone());
        }
        let made = tokio::time::timeout(patience, self.make()).await;
        let made = made.unwrap_or_else(|_| Err(Failure::no_connection(&self.0.target, patience)));
        match made {
            Ok(live) => {
                *outage = None;
                *self.0.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
                Ok(live)
            }
            Err(failure) => {
                let before = outage.as_ref().map(|outage| outage.pause * 2);
                let pause = before.unwrap_or(BACK_OFF).min(BACK_OFF_AT_MOST);
                *outage = Some(Outage {
                    failure: failure.clone(),
                    pause,
                    until: Instant::now() + pause,
                });
                Err(failure)
            }
        }
    }

    async fn make(&self) -> Result<Live, Failure> {
        match &self.0.target {
            Target::Server(client) => self.open(client).await,
            Target::Primary(sentinels) => self.find(sentinels).await,
        }
    }

    /// The first server that a sentinel names as the primary and that says so itself.
    async fn find(&self, sentinels: &Arc<Sentinels>) -> Result<Live, Failure> {
        let mut failure = None;
        let mut answers = sentinels.ask(self.0.patience);
        while let Some(answer) = answers.join_next().await {
            let found = match answer {
                Ok(Ok(client)) => self.open_primary(&client).await,
                Ok(Err(failure)) => Err(failure),
                Err(error) => Err(Failure::not_sent(&self.0.target, error)),
            };
            match found {
                Ok(live) => return Ok(live),
                Err(why) => failure = Some(why),
            }
        }
        Err(failure.unwrap_or_else(|| Failure::not_sent(&self.0.target, "there is no sentinel")))
    }

    async fn open_primary(&self, client: &Client) -> Result<Live, Failure> {
        let mut live = self.open(client).await?;
        let server = Target::server(client.clone());
        let role = redis::cmd("ROLE").query_async(&mut live.connection).await;
        let role: Vec<Value> = role.map_err(|error| Failure::of_connecting(&server, error))?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(live),
            _ => Err(Failure::not_sent(
                &server,
                "a sentinel names it as the primary, which it is not",
            )),
        }
    }

    async fn open(&self, client: &Client) -> Result<Live, Failure> {
        let held = Arc::new(());
        let driver = Arc::downgrade(&held);
        // The driver drops what it pushes to when the connection ends, and when it is dropped.
        let push = move |_| {
            let _ = &held;
            Ok::<(), Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.0.patience.connect))
            .set_response_timeout(Some(self.0.patience.command))
            .set_push_sender(push);
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Failure::of_connecting(&Target::server(client.clone()), error))?;
        Ok(Live { connection, driver })
    }
}
