//! The memory store.
//!
//! Sessions are live values behind an [`Arc`]: loading one is a lookup and a reference count,
//! independent of its size. Every decision about a session is made under the lock of its shard. No
//! user code runs under that lock.

mod builder;
mod entries;
mod entry;
mod hash;
mod heap;
mod roundtrip;
mod shard;
mod shards;
mod shrink;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use self::builder::MemoryStoreBuilder;
use self::entry::Entry;
use self::shards::{SLICE, Shards, discard};
use super::state::Verdict;
use super::{CommitOutcome, InsertOutcome, Store, StoreError, SyncStore};
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord, Record, Snapshot};
use crate::timestamp::Timestamp;
use crate::yield_now::yield_now;

/// The number of slices, some hundred microseconds, after which a sweep yields to other tasks.
const SLICES_AT_ONCE: usize = 64;

/// Keeps sessions in the memory of this process, as live values of `D`.
///
/// It is the default store. Its sessions end with the process, and other processes do not see
/// them. A clone shares the sessions of the original; stores that are built separately share
/// nothing.
///
/// The store holds up to a million sessions; change that with
/// [`capacity`](MemoryStoreBuilder::capacity). A full store removes expired sessions first. Then
/// it evicts sessions that no request ever presented and that belong to no subject, oldest first.
/// If there are none, it refuses a new session with [`StoreError::Full`]. Requests remove expired
/// sessions in passing, a few at a time, so the store needs neither a background task nor an
/// async runtime.
///
/// In debug builds the store encodes and decodes the data of every insert and commit, so that a
/// later move to a server store brings no surprises. Data that does not survive is refused with
/// [`StoreError::Encode`], which names the field.
///
/// ```
/// use connect_session::store::MemoryStore;
/// use connect_session::Untyped;
///
/// let store = MemoryStore::<Untyped>::new();
/// let small: MemoryStore<Untyped> = MemoryStore::builder().capacity(10_000).build();
/// # let _ = (store, small);
/// ```
pub struct MemoryStore<D> {
    shards: Arc<Shards<D>>,
}

impl<D> MemoryStore<D> {
    fn of_shards(shards: Shards<D>) -> Self {
        Self {
            shards: Arc::new(shards),
        }
    }
}

impl<D> Clone for MemoryStore<D> {
    fn clone(&self) -> Self {
        Self {
            shards: self.shards.clone(),
        }
    }
}

impl<D> Default for MemoryStore<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> fmt::Debug for MemoryStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.shards.records())
            .field("capacity", &self.shards.capacity)
            .finish_non_exhaustive()
    }
}

/// The result of one attempt to put a new session into its shard.
enum Put<D> {
    Done(Snapshot<D>),
    Exists,
    /// The store is full: a session has to be removed first.
    NoRoom,
    /// The shard cannot take another session or namespace.
    Full,
}

impl<D: SessionData> SyncStore<D> for MemoryStore<D> {
    fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        if cfg!(debug_assertions) {
            roundtrip::check(&*record.data)?;
        }
        let mut evicted = Vec::new();
        loop {
            let (put, now) = self.try_put(key, record);
            match put {
                Put::Done(snapshot) => {
                    self.shards.maybe_sweep(now);
                    return Ok(InsertOutcome::Done { snapshot, evicted });
                }
                Put::Exists => return Ok(InsertOutcome::Exists),
                Put::NoRoom => evicted.extend(self.shards.make_room().ok_or(StoreError::Full)?),
                Put::Full => return Err(StoreError::Full),
            }
        }
    }

    fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let shards = &*self.shards;
        let at = shards.shard_of(&key.id);
        let now = shards.clock.millis();
        shards.maybe_sweep(now);
        // Most loads write nothing and share the lock.
        let mut record = None;
        let found = shards.read(at, |shard| {
            let entry = shard.get(key)?;
            let effects = entry.on_load(request, now)?;
            if effects.is_empty() {
                record = Some(entry.record(&shards.clock, false));
            }
            Some((effects, entry.is_unpresented()))
        });
        Ok(match found {
            Some((effects, _)) if !effects.is_empty() => self.load_and_write(key, request),
            // If it was evicted in between, the load finds nothing.
            Some((_, true)) => {
                let marked = shards.write(at, |shard| shard.change(key, now, Entry::mark_loaded));
                record.filter(|_| marked.is_some())
            }
            _ => record,
        })
    }

    fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        if cfg!(debug_assertions)
            && let Some(data) = &change.data
        {
            roundtrip::check(&*data.data)?;
        }
        let shards = &*self.shards;
        let mut replaced = None;
        let mut now = 0;
        let committed = shards.write(shards.shard_of(&key.id), |shard| {
            // Reads the clock under the lock; otherwise a session that another request has seen as
            // expired could come back.
            now = shards.clock.millis();
            let changed_data = |entry: &Entry<D>| change.data.is_some().then(|| entry.snapshot());
            shard.change(key, now, |entry| match entry.check(change) {
                Verdict::AlreadyApplied => CommitOutcome::Applied(changed_data(entry)),
                Verdict::Ended => CommitOutcome::Ended,
                Verdict::Conflict => {
                    CommitOutcome::Conflict(Box::new(entry.record(&shards.clock, false)))
                }
                Verdict::Apply => {
                    replaced = entry.apply(change, now);
                    CommitOutcome::Applied(changed_data(entry))
                }
            })
        });
        discard(replaced);
        shards.maybe_sweep(now);
        Ok(committed.unwrap_or(CommitOutcome::Ended))
    }

    fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let shards = &*self.shards;
        let (removed, was_alive) = shards.write(shards.shard_of(&key.id), |shard| {
            let now = shards.clock.millis();
            match shard.get(key).map(|entry| entry.is_alive(now)) {
                Some(was_alive) => (shard.remove(&key.id), was_alive),
                None => (None, false),
            }
        });
        shards.release(usize::from(removed.is_some()));
        discard(removed);
        Ok(was_alive)
    }
}

impl<D: SessionData> Store<D> for MemoryStore<D> {
    fn is_serializing(&self) -> bool {
        false
    }

    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        Some(self)
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        SyncStore::insert(self, key, record)
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        SyncStore::load(self, key, request)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        SyncStore::commit(self, key, change)
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        SyncStore::destroy(self, key)
    }

    fn backend_id(&self) -> Option<String> {
        Some(format!("memory store {}", self.shards.number))
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        // Removes expired sessions first, because the counters of the shards include them.
        self.sweep_all(usize::MAX).await;
        Ok(self.shards.count(namespace))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.sweep_all(limit).await)
    }

    fn now(&self) -> Timestamp {
        self.shards.clock.now()
    }
}

impl<D> MemoryStore<D> {
    /// Puts a new session into its shard if its id is free and there is room; also returns the time
    /// of the attempt.
    fn try_put(&self, key: Key, record: &NewRecord<D>) -> (Put<D>, u64) {
        let shards = &*self.shards;
        let mut ended = Vec::new();
        let mut now = 0;
        let put = shards.write(shards.shard_of(&key.id), |shard| {
            now = shards.clock.millis();
            if shard.is_taken(&key.id, now) {
                return Put::Exists;
            }
            // Replaces an expired session with this id. Each insert also checks two sessions that are
            // due, so that a store in use never holds many expired ones.
            ended.extend(shard.remove(&key.id));
            shard.sweep(2, now, &mut ended);
            shards.release(ended.len());
            if !shards.reserve() {
                return Put::NoRoom;
            }
            let entry = Entry::new(key.id, record, now);
            let snapshot = entry.snapshot();
            if shard.put(key.namespace, entry) {
                return Put::Done(snapshot);
            }
            shards.release(1);
            Put::Full
        });
        discard(ended);
        (put, now)
    }

    async fn sweep_all(&self, limit: usize) -> usize {
        let now = self.shards.clock.millis();
        let mut removed = 0;
        let mut slices = 0;
        while removed < limit
            && let Some(at) = self.shards.shard_with_due(now)
        {
            let slice = SLICE.min(limit - removed);
            if slice == SLICE {
                self.shards.postpone_sweep();
            }
            removed += self.shards.sweep_slice(at, slice, now);
            slices += 1;
            if slices % SLICES_AT_ONCE == 0 {
                yield_now().await;
            }
        }
        removed
    }

    /// Repeats a load under the exclusive lock, because it has to write.
    fn load_and_write(&self, key: Key, request: &LoadRequest) -> Option<Record<D>> {
        let shards = &*self.shards;
        shards.write(shards.shard_of(&key.id), |shard| {
            // Reads the clock under the lock; otherwise a session that another request has seen as
            // expired could come back.
            let now = shards.clock.millis();
            shard.change(key, now, |entry| {
                let effects = entry.on_load(request, now)?;
                entry.apply_load(effects, request, now);
                Some(entry.record(&shards.clock, effects.makes_offer()))
            })
        })?
    }
}
