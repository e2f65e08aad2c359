//! The way to one server: a connection that is made again when it is lost.
//!
//! A command is sent once. The driver's connection of a kind that sends again by itself is not used:
//! nobody can tell whether a command whose answer was lost has been done.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, ServerErrorKind, Value};

use super::failure::Failure;
use super::target::Target;

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
    driver: Weak<()>,
}

/// Why the server could not be reached, and until when that is taken for granted.
struct Outage {
    failure: Failure,
    pause: Duration,
    until: Instant,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.0.target).finish()
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

    /// An answer as the type that it has to be.
    pub(super) fn read<T: FromRedisValue>(&self, answer: Value) -> Result<T, Failure> {
        redis::from_redis_value(answer)
            .map_err(|error| Failure::of_answer(&self.0.target, error.into()))
    }

    fn judge(&self, live: &Live, answer: redis::RedisResult<Value>) -> Result<Value, Failure> {
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
                let pause = outage
                    .as_ref()
                    .map_or(BACK_OFF, |outage| (outage.pause * 2).min(BACK_OFF_AT_MOST));
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
        let client = self.0.target.client();
        // The driver holds this for as long as it reads from the connection.
        let driver = Arc::new(());
        let watched = Arc::downgrade(&driver);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.0.patience.connect))
            .set_response_timeout(Some(self.0.patience.command))
            .set_push_sender(move |_| {
                let _ = &driver;
                Ok::<(), Infallible>(())
            });
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Failure::of_connecting(&self.0.target, error))?;
        drop(config);
        let live = Live {
            connection,
            driver: watched,
        };
        Ok(live)
    }
}
