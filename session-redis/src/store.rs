//! [`RedisStore`]: the operations of `Store` as scripts.

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

/// Stores sessions in Redis 7.0 or later, or in Valkey: on one server, behind Sentinel, or in a
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
///     // Reports problems now instead of at the first request.
///     Shop::start().await?;
///     Ok(())
/// }
/// ```
///
/// A clone shares the connections of the original. One store can hold sessions of any data type.
///
/// # What is stored
///
/// A session is one hash under `{prefix}{namespace}:{id}`, with one field for each top-level field
/// of the data. Each load, change, insertion and destruction is one script and takes one round
/// trip. The first call of each script after a restart of the server takes two, because the server
/// does not have the script yet. A load writes only if it extends the deadline (by default, once a
/// tenth of the idle timeout has passed) or renews the sid. The deadline is the expiry of the key,
/// so the server removes ended sessions itself. Deadlines follow the server's clock, not that of
/// the program. If no field is long, `hash-max-listpack-value 1024` reduces the server's memory use
/// to about a third.
///
/// Configs may share a server as long as prefix and namespace together differ. A key that holds
/// something other than a session, an incomplete session, or a session in the format of a later
/// version of this library results in [`StoreError::Undecodable`] and is left unchanged.
///
/// [`count`](Store::count) scans all keys of every server with `SCAN`, 1,000 at a time. Its time
/// grows with the size of the whole database, so call it for administration, not on every request.
///
/// # When a server fails
///
/// While a server is unreachable, operations fail fast: within
/// [`connect_timeout`](crate::RedisStoreBuilder::connect_timeout) plus
/// [`command_timeout`](crate::RedisStoreBuilder::command_timeout), and immediately if an attempt to
/// connect has just failed. The next attempt is made after 50 ms at the earliest, then after twice
/// as long each time, up to one second; the program does not need a restart. A command is sent once:
///
/// - If it was not sent, or the server refused it, the error is [`StoreError::Unavailable`].
/// - If the reply to a change was lost, the error is [`StoreError::OutcomeUnknown`]. The change is
///   not sent again.
/// - If the server's memory is full, new sessions fail with [`StoreError::Full`], and changes that
///   write data with [`StoreError::Unavailable`]. Existing sessions can still be loaded, extended,
///   rotated and ended.
///
/// # What a failover can lose
///
/// **Redis acknowledges a change before any replica has it.** If the primary then fails, the
/// replica that is promoted does not know the latest changes: an item that was put into a cart is
/// missing, *a session that was logged out may be valid again, and a session that was rotated may
/// accept its old sid*. This holds for Sentinel, for a Cluster and for every managed service with
/// failover.
///
/// With [`replicas(n)`](crate::RedisStoreBuilder::replicas), each change waits (`WAIT`) until `n`
/// replicas have it, which costs one more round trip. If fewer confirm, the change fails with
/// [`StoreError::OutcomeUnknown`], because it may survive or not. If `n` is the number of replicas
/// of the primary, no acknowledged change is lost when the primary fails; if `n` is smaller, none
/// is lost if one of the replicas that confirmed is promoted.
///
/// Two cases are not covered. A load that only extends the idle deadline does not wait. And a
/// primary that is partitioned from the other servers but not from the program accepts changes
/// until it notices; to prevent that, set `min-replicas-to-write` on the server.
///
/// Redis keeps its data in memory: a restart restores only what its persistence (`appendonly yes`,
/// `save`) has written to disk.
///
/// # Requirements on the server
///
/// `start()` checks all of this and reports how to fix each problem:
///
/// - The server is Redis 7.0 or later, or Valkey, and not a replica. A Cluster is configured as a
///   Cluster, and a sentinel as a sentinel.
/// - `maxmemory-policy` is `noeviction`. All other policies, including `volatile-…`, evict sessions
///   that have not ended, since every session has an expiry.
/// - An ACL user needs `+evalsha +eval +time +type +hmget +hget +hgetall +hkeys +hset +hdel
///   +pexpireat +del +unlink +info`; `+scan` for `count`, `+wait` for `replicas`, `+cluster|slots
///   +asking` in a Cluster, `+role` with Sentinel; and the keys `~{prefix}*`, or those of the
///   namespaces.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    prefix: String,
    /// How many replicas must confirm a change.
    replicas: u32,
    /// The server's clock minus this machine's, in milliseconds, as of the last reply.
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

    /// All ids have the same length, so two records share a key only if the texts before their ids
    /// are equal.
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

    /// Runs a script, and waits for the replicas if its reply says that it has written.
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
        // A load that renews promises a new secret to the client, so it must not be lost.
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
