//! The store on Redis and Valkey.
//!
//! Each verb is a script on one key, and so one atomic step in one round trip. The server's clock
//! decides, and its own expiry forgets what has ended. The driver is `redis`: the maintained client
//! with the most users, whose plain connection sends a command once, which is what this needs most
//! (what sends again after a lost connection may do a change twice).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod arguments;
mod builder;
mod check;
mod cluster;
mod failure;
mod link;
mod node;
mod script;
mod servers;
mod slots;
mod target;
mod trial;
mod url;
mod way_in;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use redis::Value;

use self::answer::Answer;
use self::arguments::Arguments;
pub use self::builder::{RedisStoreBuilder, RedisStoreError};
use self::failure::Failure;
use self::link::Durability;
use self::script::{COMMIT, DESTROY, INSERT, LOAD, Verb};
use self::servers::Servers;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

/// Keeps sessions on Redis 7.0 or later, or on Valkey: on one server, behind Sentinel, or in a
/// Cluster.
///
/// ```no_run
/// use connect_session::session_config;
/// use connect_session::store::RedisStore;
///
/// session_config! {
///     /// Sessions of the shop's API.
///     pub struct Shop {
///         idle_timeout: 30m,
///         absolute_timeout: 12h,
///         store: RedisStore = RedisStore::connect(&std::env::var("REDIS_URL")?).await?,
///     }
/// }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     // Says now what is wrong, instead of at the first request.
///     Shop::start().await?;
///     Ok(())
/// }
/// ```
///
/// A clone is the same store, with the same connections; it works for any type of data.
///
/// # What is kept
///
/// A session is one hash under `{prefix}{namespace}:{id}`, with one field for each top-level field of
/// the data. A load, a change, an insertion and a destruction are one script and one round trip each;
/// after the server has been started, the first of each kind is two, because it has to be sent the
/// script. A request that only reads writes nothing, except for its deadline once a tenth of the idle
/// time has passed. The deadline is the key's own, so that the server forgets by itself; its clock
/// decides, not that of the program. Where no field is long, a server with `hash-max-listpack-value
/// 1024` needs a third of the memory.
///
/// Two configs share no key as long as their namespaces, with the prefixes of their stores in front,
/// differ. A key that holds something else, half a session, or one in the format of a later version
/// of this library, is [`StoreError::Undecodable`] and is left as it is.
///
/// [`count`](Store::count) walks through all keys of every server with `SCAN`, in steps of a
/// thousand: its time grows with everything that the database holds, and it is for a person who
/// wants to know, not for every request.
///
/// # When a server fails
///
/// Until it is back, or another has taken over, every verb fails soon: after
/// [`connect_timeout`](RedisStoreBuilder::connect_timeout) and
/// [`command_timeout`](RedisStoreBuilder::command_timeout), and at once where it was found
/// unreachable less than a moment ago. A new connection is tried after 50 ms, then after twice as long
/// each time, up to a second; nothing has to be started again. A command is sent once: if it was not
/// sent, or the server refused it, it is [`StoreError::Unavailable`]; if its answer was lost, a change
/// is [`StoreError::OutcomeUnknown`], and never sent again. A server whose memory is full
/// ([`StoreError::Full`]) takes no new session and no larger data, but still keeps sessions alive,
/// rotates and ends them.
///
/// # What a failover can lose
///
/// **Redis acknowledges a change before any replica has it.** When the primary then dies, the replica
/// that takes over knows nothing of the last changes: an item put into a cart is gone, and *a session
/// that was logged out may be alive again, and one that was rotated may know its old sid*. So it is
/// with Sentinel, in a Cluster, and with every managed service that fails over.
/// [`replicas(n)`](RedisStoreBuilder::replicas) waits (`WAIT`) after each change until `n` replicas
/// have it, which costs one more round trip; with fewer, the change is
/// [`StoreError::OutcomeUnknown`], as it may survive or not. With as many as the primary has, no
/// acknowledged change is lost when it dies; with fewer, it is not if one of those `n` takes over.
/// What it does not cover: a slid deadline, which is not waited for; and a primary that is cut off
/// from the others but not from the program, and takes changes until it notices. For that the server
/// has `min-replicas-to-write`.
///
/// Memory is what Redis keeps sessions in: after a restart, what is there is what its persistence
/// (`appendonly yes`, `save`) has kept.
///
/// # What the server must be like
///
/// `start()` tries all of this, and says what to do:
///
/// - Redis 7.0 or Valkey, no replica; a Cluster is named as one, and a sentinel as one.
/// - `maxmemory-policy noeviction`. Any other throws away sessions that have not ended: each has a
///   deadline, so the `volatile-…` policies do too.
/// - A user with an ACL needs `+evalsha +eval +time +type +hmget +hget +hgetall +hkeys +hset +hdel
///   +pexpireat +del +unlink +info`; `+scan` for a count, `+wait` for `replicas`, `+cluster|slots
///   +asking` in a Cluster, `+role` behind Sentinel; and the keys `~{prefix}*`, or those of the
///   namespaces.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Servers,
    prefix: String,
    /// How many replicas must have a change before it counts.
    replicas: u32,
    /// By how many milliseconds the server's clock is ahead of this machine's.
    ahead: AtomicI64,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("servers", &self.shared.servers)
            .field("prefix", &self.shared.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store on the server of a URL, with every other setting at its default. It connects, once.
    ///
    /// | URL | |
    /// | --- | --- |
    /// | `redis://user:password@host:6379/0` | one server, and the number of a database |
    /// | `rediss://…` | the same with TLS |
    /// | `unix:///path?db=0&user=…&pass=…` | by a socket |
    /// | `redis-sentinel://user:password@host:26379,host/name/0` | the primary of that name, as its sentinels say; user and password are the primary's |
    /// | `redis-cluster://user:password@host:6379,host` | some servers of a Cluster |
    /// | `rediss-sentinel://…`, `rediss-cluster://…` | the same with TLS |
    ///
    /// # Errors
    /// When the URL is wrong, or the server does not answer or does not let the client in. No error
    /// shows a password.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisStoreError> {
        Self::builder().url(url).build().await
    }

    /// A store with other settings.
    #[must_use]
    pub fn builder() -> RedisStoreBuilder {
        RedisStoreBuilder::default()
    }

    fn new(servers: Servers, prefix: String, replicas: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                servers,
                prefix,
                replicas,
                ahead: AtomicI64::new(0),
            }),
        }
    }

    /// An id is always as long, so that whatever is in front of it, no two records share a key.
    fn key(&self, key: Key) -> String {
        format!("{}{}:{}", self.shared.prefix, key.namespace, key.id)
    }

    async fn read(&self, verb: &Verb, key: Key, arguments: &Arguments) -> Result<Value, Failure> {
        let servers = &self.shared.servers;
        verb.run(servers, &self.key(key), arguments, None).await
    }

    /// Runs a verb, and waits for the replicas if it answers that it has written.
    async fn write(&self, verb: &Verb, key: Key, arguments: &Arguments) -> Result<Value, Failure> {
        let replicas = self.shared.replicas;
        let durability = (replicas > 0).then_some(Durability {
            replicas,
            has_written: answer::has_written,
        });
        let servers = &self.shared.servers;
        verb.run(servers, &self.key(key), arguments, durability)
            .await
    }

    fn answer(&self, answer: Value) -> Result<Answer, StoreError> {
        let answer = Answer::read(answer)?;
        let millis = |at: Timestamp| i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let ahead = millis(answer.now).saturating_sub(millis(Timestamp::now()));
        self.shared.ahead.store(ahead, Ordering::Relaxed);
        Ok(answer)
    }
}

impl<D: SessionData> Store<D> for RedisStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        check::check(self).await
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let fields = record.fields()?;
        let arguments = arguments::insertion(record, &fields);
        let answer = self.write(&INSERT, key, &arguments).await;
        let answer = answer.map_err(|failure| match failure.code() {
            "OOM" => StoreError::Full,
            _ => failure.of_write(),
        })?;
        let answer = self.answer(answer)?;
        match &*answer.outcome {
            "done" => Ok(InsertOutcome::Done {
                snapshot: record.into_snapshot(&fields),
                evicted: Vec::new(),
            }),
            "exists" => Ok(InsertOutcome::Exists),
            _ => Err(answer.unexpected()),
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let arguments = arguments::load(request);
        // A load that says that it writes promises a secret to the client.
        let answer = match &request.renewal {
            Some(_) => self.write(&LOAD, key, &arguments).await,
            None => self.read(&LOAD, key, &arguments).await,
        };
        let mut answer = self.answer(answer.map_err(Failure::of_read)?)?;
        match &*answer.outcome {
            "record" => {
                let kept = answer.kept()?;
                let renewed = answer.number()? == 1;
                kept.record(renewed).map(Some)
            }
            "none" => Ok(None),
            _ => Err(answer.unexpected()),
        }
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let arguments = arguments::change(change, patch.as_ref());
        let answer = self.write(&COMMIT, key, &arguments).await;
        let mut answer = self.answer(answer.map_err(Failure::of_write)?)?;
        match &*answer.outcome {
            "applied" => {
                let version = answer.number()?;
                let data = change.data.as_ref().zip(patch.as_ref());
                Ok(CommitOutcome::Applied(
                    data.map(|(data, patch)| data.snapshot_after(patch, version)),
                ))
            }
            "repeated" => {
                let record = answer.kept()?.record(false)?;
                let data = change.data.as_ref();
                Ok(CommitOutcome::Applied(data.map(|_| record.snapshot)))
            }
            "conflict" => {
                let record = answer.kept()?.record(false)?;
                Ok(CommitOutcome::Conflict(Box::new(record)))
            }
            "ended" => Ok(CommitOutcome::Ended),
            _ => Err(answer.unexpected()),
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let answer = self.write(&DESTROY, key, &Arguments::default()).await;
        let mut answer = self.answer(answer.map_err(Failure::of_write)?)?;
        match &*answer.outcome {
            "destroyed" => Ok(answer.number()? == 1),
            _ => Err(answer.unexpected()),
        }
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let Shared {
            servers, prefix, ..
        } = &*self.shared;
        servers
            .count(prefix, namespace)
            .await
            .map_err(Failure::of_read)
    }

    fn now(&self) -> Timestamp {
        let ahead = self.shared.ahead.load(Ordering::Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        let here = Timestamp::now();
        if ahead < 0 { here - by } else { here + by }
    }
}
