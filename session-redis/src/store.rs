//! The store: the scripts behind the interface of `Store`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use redis::Value;

use super::arguments::{self, Arguments};
use super::check;
use super::connection::Durability;
use super::failure::Failure;
use super::reply::{self, Reply};
use super::script::{COMMIT, DESTROY, INSERT, LOAD, StoreScript};
use super::servers::Servers;
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
/// [`connect_timeout`](crate::RedisStoreBuilder::connect_timeout) and
/// [`command_timeout`](crate::RedisStoreBuilder::command_timeout), and at once where it was found
/// unreachable less than a moment ago. A new connection is tried after 50 ms, then after twice as long
/// each time, up to a second; nothing has to be started again. A command is sent once: if it was not
/// sent, or the server refused it, it is [`StoreError::Unavailable`]; if its reply was lost, a change
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
/// [`replicas(n)`](crate::RedisStoreBuilder::replicas) waits (`WAIT`) after each change until `n` replicas
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
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    prefix: String,
    /// How many replicas must have a change before it counts.
    replicas: u32,
    /// By how many milliseconds the server's clock is clock_offset of this machine's.
    clock_offset: AtomicI64,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("servers", &self.inner.servers)
            .field("prefix", &self.inner.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    pub(super) fn new(servers: Servers, prefix: String, replicas: u32) -> Self {
        Self {
            inner: Arc::new(Inner {
                servers,
                prefix,
                replicas,
                clock_offset: AtomicI64::new(0),
            }),
        }
    }

    /// An id is always as long, so that whatever is in front of it, no two records share a key.
    fn key(&self, key: Key) -> String {
        format!("{}{}:{}", self.inner.prefix, key.namespace, key.id)
    }

    async fn read(
        &self,
        script: &StoreScript,
        key: Key,
        arguments: &Arguments,
    ) -> Result<Value, Failure> {
        let servers = &self.inner.servers;
        script.run(servers, &self.key(key), arguments, None).await
    }

    /// Runs a verb, and waits for the replicas if it replies that it has written.
    async fn write(
        &self,
        script: &StoreScript,
        key: Key,
        arguments: &Arguments,
    ) -> Result<Value, Failure> {
        let replicas = self.inner.replicas;
        let durability = (replicas > 0).then_some(Durability {
            replicas,
            has_written: reply::has_written,
        });
        let servers = &self.inner.servers;
        script
            .run(servers, &self.key(key), arguments, durability)
            .await
    }

    fn parse_reply(&self, value: Value) -> Result<Reply, StoreError> {
        let reply = Reply::read(value)?;
        let millis = |at: Timestamp| i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let clock_offset = millis(reply.now).saturating_sub(millis(Timestamp::now()));
        self.inner
            .clock_offset
            .store(clock_offset, Ordering::Relaxed);
        Ok(reply)
    }
}

impl<D: SessionData> Store<D> for RedisStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        let Inner {
            servers, replicas, ..
        } = &*self.inner;
        check::check(servers, *replicas, self).await
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let fields = record.fields()?;
        let arguments = arguments::insert(record, &fields);
        let reply = self.write(&INSERT, key, &arguments).await;
        let reply = reply.map_err(|failure| match failure.code() {
            "OOM" => StoreError::Full,
            _ => failure.into_write_error(),
        })?;
        let reply = self.parse_reply(reply)?;
        match &*reply.outcome {
            "done" => Ok(InsertOutcome::Done {
                snapshot: record.into_snapshot(&fields),
                evicted: Vec::new(),
            }),
            "exists" => Ok(InsertOutcome::Exists),
            _ => Err(reply.unexpected()),
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let arguments = arguments::load(request);
        // A load that says that it writes promises a secret to the client.
        let reply = match &request.renewal {
            Some(_) => self.write(&LOAD, key, &arguments).await,
            None => self.read(&LOAD, key, &arguments).await,
        };
        let mut reply = self.parse_reply(reply.map_err(Failure::into_read_error)?)?;
        match &*reply.outcome {
            "record" => {
                let stored = reply.stored_record()?;
                let renewed = reply.number()? == 1;
                stored.into_record(renewed).map(Some)
            }
            "none" => Ok(None),
            _ => Err(reply.unexpected()),
        }
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let arguments = arguments::commit(change, patch.as_ref());
        let reply = self.write(&COMMIT, key, &arguments).await;
        let mut reply = self.parse_reply(reply.map_err(Failure::into_write_error)?)?;
        match &*reply.outcome {
            "applied" => {
                let version = reply.number()?;
                let data = change.data.as_ref().zip(patch.as_ref());
                Ok(CommitOutcome::Applied(
                    data.map(|(data, patch)| data.snapshot_after(patch, version)),
                ))
            }
            "repeated" => {
                let record = reply.stored_record()?.into_record(false)?;
                let data = change.data.as_ref();
                Ok(CommitOutcome::Applied(data.map(|_| record.snapshot)))
            }
            "conflict" => {
                let record = reply.stored_record()?.into_record(false)?;
                Ok(CommitOutcome::Conflict(Box::new(record)))
            }
            "ended" => Ok(CommitOutcome::Ended),
            _ => Err(reply.unexpected()),
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let reply = self.write(&DESTROY, key, &Arguments::default()).await;
        let mut reply = self.parse_reply(reply.map_err(Failure::into_write_error)?)?;
        match &*reply.outcome {
            "destroyed" => Ok(reply.number()? == 1),
            _ => Err(reply.unexpected()),
        }
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let Inner {
            servers, prefix, ..
        } = &*self.inner;
        servers
            .count(prefix, namespace)
            .await
            .map_err(Failure::into_read_error)
    }

    fn now(&self) -> Timestamp {
        let clock_offset = self.inner.clock_offset.load(Ordering::Relaxed);
        let by = Duration::from_millis(clock_offset.unsigned_abs());
        let here = Timestamp::now();
        if clock_offset < 0 {
            here - by
        } else {
            here + by
        }
    }
}
