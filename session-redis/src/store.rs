//! [`RedisStore`]: the operations of `Store` as commands.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use redis::{Cmd, Value};

use super::arguments::CommitArguments;
use super::base::Base;
use super::check::{self, Requirements};
use super::clock::local_millis;
use super::connection::Durability;
use super::failure::Failure;
use super::fields::{Fields, read_fields};
use super::header::{encode_new, stored_first_use, stored_lifetime};
use super::key::{index_named, index_of, key_of};
use super::node::{Command, TimedReply};
use super::replacement::Replacement;
use super::reply::{self, Reply};
use super::script::{COMMIT, FREE, REMOVE, REPLACE, StoreScript};
use super::servers::Servers;
use super::stored::StoredRecord;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord, Snapshot, SubjectKey};
use connect_session_runtime::store::state::{Expiry, RecordState, Verdict};
use connect_session_runtime::store::{
    CommitOutcome, InsertOutcome, Inspect, LoadOutcome, Store, StoreError, SubjectIndex,
};
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
/// A session is one string under `{prefix}s1:{namespace}:{id}`; the id is written as 22 characters of
/// base64url. Reading it is a `GET`, creating it a `SET`, destroying it a `GETDEL`, and changing it a
/// short script: one round trip each. A change takes a second one if something other than the data was written
/// since the session was loaded, for example a label or, by another load, the deadline, if the session has ended because its user may have no more,
/// or if the server's memory is full. A load takes a second round trip if it has something to write: it extends the
/// deadline (by default, once a tenth of the idle timeout has passed) or renews the sid. If the server
/// refuses that write, the session is served without it. The first call of each script after a restart
/// of the server takes one more round trip, because the server does not have the script yet.
///
/// A session that ends because its user may have no more leaves a sorted set under its key, with the hashes of
/// its secrets, for a day at most, so that a request with one of them gets the reason for the end.
/// [`destroy`](Store::destroy) leaves it and returns `false`.
///
/// The deadline is the expiry of the key, so the server removes ended sessions itself. Deadlines follow
/// the server's clock, not that of the program: the store reads it when it connects and every 10
/// seconds, together with a command, or before one that needs it.
///
/// A change is applied if nobody has changed the session since it was loaded; otherwise the store
/// returns the session as it is, and the library merges. Parts that a later version of this library adds
/// to a session survive a change by this one.
///
/// Configs may share a server as long as prefix and namespace together differ. A key that holds
/// something other than a session, a damaged session, or a session in the format of a later version of
/// this library results in [`StoreError::Undecodable`] and is left unchanged. A load whose secret is not one of
/// a damaged session does not find it, as long as its secrets can be read.
///
/// [`count`](Store::count) scans all keys of every server with `SCAN`, 1,000 at a time. Its time
/// grows with the size of the whole database, so call it for administration, not on every request.
///
/// # The sessions of a user
///
/// The sessions that have a login are filed under its user, in a sorted set whose key is
/// `{prefix}s1:{namespace}:u:{hash of the user}`. A login changes the session and this index in one script, so one
/// round trip. A load does not touch the index, nor does an end by id or by the server's expiry: a
/// list reads the sessions that it shows, in a second round trip, and leaves out those that have gone. The index
/// expires after the last of its sessions, and 30 minutes after an end of all. If somebody removes it, each of its
/// sessions is filed again when a load extends its deadline, which by default is once a tenth of the idle timeout has
/// passed; one that nobody uses any more ends by itself.
///
/// The index is in the order of the absolute deadlines, so that entries are dropped by their deadlines, but a list is in
/// the order of the logins. So each part of a list reads all entries of the user, 28 bytes each, and then only the
/// sessions of this part. A user with very many sessions needs a limit (`max_sessions`) for this, too.
///
/// In a Cluster, the index is on another server than the session. There a login takes two round trips more: it is
/// admitted to the index, committed to the session, and confirmed in the index. It takes others if
/// sessions have to end because there are too many. Until it is confirmed, the session is in no list and nobody has
/// its new sid. If all sessions of the user are ended between the last two steps, the login is refused as
/// on one server, but a session that existed before has ended. A login that is not confirmed within 30 seconds
/// fails with [`StoreError::OutcomeUnknown`]. If the program stops before it is confirmed, a session may be left whose
/// sid nobody has. It is listed, counted and ended as any other 30 seconds after the login. A session that may live
/// longer than a day needs two more round trips to log in, unless the login creates it.
///
/// # When a server fails
///
/// While a server is unreachable, operations fail fast: within
/// [`connect_timeout`](crate::RedisStoreBuilder::connect_timeout) plus
/// [`command_timeout`](crate::RedisStoreBuilder::command_timeout), and immediately once an attempt to
/// connect has failed. A task then tries to connect twice a second; the program does not need a restart. A
/// command is sent once, and a second time only if the server refused it because it is a replica: a new
/// connection may lead to the primary.
///
/// - If it was not sent, or the server refused it, the error is [`StoreError::Unavailable`].
/// - If the reply to a change was lost, the error is [`StoreError::OutcomeUnknown`]. The change is
///   not sent again.
/// - If the server's memory is full, new sessions fail with [`StoreError::Full`], and changes that
///   add data with [`StoreError::Unavailable`]. Existing sessions can still be loaded, extended,
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
///   that have not ended, since every session has an expiry. If the policy cannot be changed, allow it with
///   [`allow_eviction`](crate::RedisStoreBuilder::allow_eviction).
/// - An ACL user needs `+get +getrange +set +getdel +evalsha +eval +time +pexpireat +unlink +info`, and for logins
///   `+zadd +zrange +zrem +zremrangebyscore +zscore`;
///   `+scan` for `count`, `+wait` for `replicas`, `+cluster|slots +asking` in a Cluster, `+role` with
///   Sentinel; and the keys `~{prefix}*`, or those of the namespaces.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    prefix: String,
    requirements: Requirements,
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
    pub(super) fn of(servers: Servers, prefix: String, requirements: Requirements) -> Self {
        Self {
            inner: Arc::new(Inner {
                servers,
                prefix,
                requirements,
                clock_offset: AtomicI64::new(0),
            }),
        }
    }

    /// The server's time in milliseconds, as of the last reply.
    pub(super) fn now_millis(&self) -> u64 {
        let clock_offset = self.inner.clock_offset.load(Ordering::Relaxed);
        local_millis().saturating_add_signed(clock_offset)
    }

    /// The key of the index of a subject, by its text.
    pub(super) fn index_named(&self, namespace: &str, subject: &str) -> String {
        index_named(&self.inner.prefix, namespace, subject)
    }

    /// The key of the index of a subject's sessions.
    pub(super) fn index(&self, subject: &SubjectKey) -> String {
        index_of(&self.inner.prefix, subject)
    }

    /// Runs a script that writes, and reads its reply up to the time.
    pub(super) async fn run(
        &self,
        script: &'static StoreScript,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<(Reply, u64), StoreError> {
        let value = script
            .run(self.servers(), key, arguments, self.durability())
            .await;
        let mut reply = Reply::read(value.map_err(write_error)?)?;
        let now = reply.number()?;
        self.observe(now);
        Ok((reply, now))
    }

    /// Commits a change of the data alone; `None` if `commit.lua` has to decide about it.
    async fn replace<D: SessionData>(
        &self,
        name: &str,
        change: &Change<D>,
        replacement: Replacement<D>,
    ) -> Result<Option<CommitOutcome<D>>, StoreError> {
        let append = |cmd: &mut Cmd, now| replacement.append_arguments(cmd, now);
        let (size, durability) = (replacement.size(), self.durability());
        let answer = REPLACE
            .run_at(self.servers(), name, size, &append, durability)
            .await;
        let TimedReply { value, now } = match answer {
            // `commit.lua` tells a tombstone from what others have stored, and still stores a record that does not
            // grow when the memory is full.
            Err(failure) if matches!(failure.code(), "WRONGTYPE" | "OOM") => return Ok(None),
            answer => answer.map_err(write_error)?,
        };
        match value {
            Value::Okay => {
                let snapshot = Some(replacement.into_snapshot());
                Ok(Some(CommitOutcome::applied(snapshot)))
            }
            Value::Nil => Ok(Some(CommitOutcome::Ended)),
            Value::BulkString(bytes) => {
                let stored = StoredRecord::read(bytes)?;
                let now = now.unwrap_or_else(|| self.now_millis());
                // The estimate may be wrong, and the session alive.
                if !stored.header.state.is_alive(now) {
                    return Ok(None);
                }
                outcome_without_write(stored, now, change, true)
            }
            _ => Err(reply::unexpected("it is neither OK nor a record")),
        }
    }

    /// Removes a tombstone, if the key holds one. Returns whether it did.
    async fn free(&self, key: &str) -> Result<bool, StoreError> {
        let (reply, _) = self.run(&FREE, key, &[]).await?;
        Ok(reply.outcome == "applied")
    }

    pub(super) fn servers(&self) -> &Servers {
        &self.inner.servers
    }

    pub(super) fn key(&self, key: Key) -> String {
        key_of(&self.inner.prefix, key)
    }

    /// How many replicas must confirm a command that writes.
    pub(super) fn durability(&self) -> Option<Durability> {
        let replicas = self.inner.requirements.replicas;
        (replicas > 0).then_some(Durability {
            replicas,
            has_written: reply::has_written,
        })
    }

    /// Sends a command, and notes the time of the server.
    pub(super) async fn send(
        &self,
        key: &str,
        command: Command<'_>,
    ) -> Result<TimedReply, Failure> {
        let answer = self.inner.servers.send(key, command).await?;
        if let Some(now) = answer.now {
            self.observe(now);
        }
        Ok(answer)
    }

    pub(super) fn observe(&self, now: u64) {
        let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        let clock_offset = signed(now).saturating_sub(signed(local_millis()));
        // Usually it stays; not writing leaves the cache line to other threads.
        if self.inner.clock_offset.load(Ordering::Relaxed) != clock_offset {
            (self.inner.clock_offset).store(clock_offset, Ordering::Relaxed);
        }
    }
}

/// The outcome of a commit, except whom it has ended. `fields` are all fields after the change, if it
/// changes one.
pub(super) fn outcome_of_reply<D: SessionData>(
    mut reply: Reply,
    now: u64,
    change: &Change<D>,
    fields: Option<Fields>,
) -> Result<CommitOutcome<D>, StoreError> {
    match &*reply.outcome {
        "applied" => {
            let version = reply.number()?;
            Ok(CommitOutcome::applied(snapshot_after(
                change, version, fields,
            )))
        }
        "record" => {
            let outcome =
                outcome_without_write(reply.stored_record()?, now, change, fields.is_some())?;
            outcome.ok_or_else(|| reply::unexpected("a change was refused for no reason"))
        }
        "ended" => Ok(CommitOutcome::Ended),
        _ => Err(reply.unknown_outcome()),
    }
}

/// The data after a change, if it has some.
pub(super) fn snapshot_after<D: SessionData>(
    change: &Change<D>,
    version: u64,
    fields: Option<Fields>,
) -> Option<Snapshot<D>> {
    let data = change.data.as_ref()?;
    Some(data.snapshot_with_bytes(version, fields.map(Fields::into_snapshot_bytes)))
}

/// Why a change does not apply to a record; `None` if it does.
pub(super) fn outcome_without_write<D: SessionData>(
    stored: StoredRecord,
    now: u64,
    change: &Change<D>,
    writes_data: bool,
) -> Result<Option<CommitOutcome<D>>, StoreError> {
    let format = change.format;
    let base = change.data.as_ref().and_then(|data| data.base.as_ref());
    let is_current = || base.is_none_or(|base| base.version == stored.header.state.version);
    let verdict = stored.header.state.check(change, now, is_current);
    if writes_data && matches!(verdict, Verdict::Conflict | Verdict::Apply) {
        format.check_writable(stored.header.data_version)?;
    }
    Ok(match verdict {
        Verdict::Apply => None,
        Verdict::Ended => Some(CommitOutcome::Ended),
        Verdict::AlreadyApplied => {
            let record = stored.into_record(false, format)?;
            let after = change.data.as_ref().map(|_| record.snapshot);
            Some(CommitOutcome::applied(after))
        }
        Verdict::Conflict => {
            let record = stored.into_record(false, format)?;
            Some(CommitOutcome::Conflict(Box::new(record)))
        }
    })
}

pub(super) fn insert_error(failure: Failure) -> StoreError {
    match failure.code() {
        "OOM" => StoreError::Full,
        _ => write_error(failure),
    }
}

pub(super) fn read_error(failure: Failure) -> StoreError {
    reply::foreign_key(&failure).unwrap_or_else(|| failure.into_read_error())
}

pub(super) fn write_error(failure: Failure) -> StoreError {
    reply::foreign_key(&failure).unwrap_or_else(|| failure.into_write_error())
}

impl<D: SessionData> Store<D> for RedisStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        let Inner {
            servers,
            requirements,
            ..
        } = &*self.inner;
        check::check(servers, requirements, self).await
    }

    fn keeps_data_version(&self) -> bool {
        true
    }

    fn supports_sealing(&self) -> bool {
        true
    }

    fn detects_reuse(&self) -> bool {
        true
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        if let Some(login) = &record.login {
            return Box::pin(self.insert_login(key, record, login)).await;
        }
        let fields = Fields::encode(&record.fields()?);
        let lifetime = stored_lifetime(record.lifetime);
        let first_use = stored_first_use(record.first_use_timeout);
        let name = self.key(key);
        let set = |now| {
            let mut state = RecordState::new(record, now);
            state.expiry = Expiry::new(lifetime, now).with_first_use(first_use);
            let namespace = key.namespace;
            let value = encode_new(namespace, &state, record.format.written, fields.as_slice());
            let ends_in = state.deadline() - now;
            let mut set = Cmd::with_capacity(6, name.len() + value.len() + 32);
            set.arg("SET").arg(&name).arg(value).arg("NX");
            set.arg("PX").arg(ends_in);
            set
        };
        let send = || self.send(&name, Command::at(&set, self.durability()));
        let mut answer = send().await.map_err(insert_error)?;
        // Ids are random: one is only in use if it was chosen on purpose.
        if answer.value == Value::Nil && self.free(&name).await? {
            answer = send().await.map_err(insert_error)?;
        }
        match answer.value {
            Value::Okay => Ok(InsertOutcome::Done {
                snapshot: Snapshot::with_bytes(
                    record.data.clone(),
                    1,
                    fields.into_snapshot_bytes(),
                ),
                evicted: Vec::new(),
                ended: Vec::new(),
            }),
            Value::Nil => Ok(InsertOutcome::Exists),
            _ => Err(reply::unexpected("it is neither OK nor nil")),
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        self.find(key, request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let base = Base::of(change)?;
        let fields = match &change.data {
            Some(data) => {
                let stored = read_fields(base.fields())?.into_iter();
                data.fields_after(stored, &change.format)?
            }
            None => None,
        };
        let fields = fields.as_ref().map(Fields::encode);
        let name = self.key(key);
        let replacement =
            (fields.as_ref()).and_then(|fields| Replacement::new(change, &base, fields));
        if let Some(replacement) = replacement
            && let Some(outcome) = self.replace(&name, change, replacement).await?
        {
            return Ok(outcome);
        }
        let arguments = CommitArguments::new(change, fields.as_ref());
        if arguments.concerns_login() {
            return Box::pin(self.commit_login(key, change, &arguments)).await;
        }
        let (reply, now) = self.run(&COMMIT, &name, &arguments.as_slices()).await?;
        outcome_of_reply(reply, now, change, fields)
    }

    /// Removes whatever the key holds, also a record that cannot be decoded: a logout must take effect.
    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let name = self.key(key);
        // Unlike `UNLINK`, it leaves a tombstone, which is not a string: that session has ended already.
        let mut delete = redis::cmd("GETDEL");
        delete.arg(&name);
        let removed = self
            .send(&name, Command::new(&delete, self.durability()))
            .await;
        match removed {
            Ok(reply) => Ok(reply.value != Value::Nil),
            Err(failure) if failure.code() == "WRONGTYPE" => {
                let (reply, _) = self.run(&REMOVE, &name, &[]).await?;
                Ok(reply.outcome == "applied")
            }
            Err(failure) => Err(failure.into_write_error()),
        }
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Some(self)
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    fn backend_id(&self) -> Option<String> {
        let Inner {
            servers, prefix, ..
        } = &*self.inner;
        Some(format!("{servers}, keys `{prefix}…`"))
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
        Timestamp::from_millis(self.now_millis())
    }
}
