//! The memory store.
//!
//! Sessions are live values behind an [`Arc`]: loading one is a lookup and a count up, whatever
//! its size. Everything about one session is decided under the lock of one shard, and no code of
//! the user runs under it.

mod builder;
mod entries;
mod entry;
mod hash;
mod heap;
mod proof;
mod room;
mod secrets;
mod shard;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use self::builder::MemoryStoreBuilder;
use self::entry::{Entry, Verdict};
use self::room::{Room, SLICE, discard};
use super::{CommitOutcome, InsertOutcome, Store, StoreError, SyncStore};
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord, Record, Snapshot};
use crate::timestamp::Timestamp;
use crate::yield_now::yield_now;

/// After how many slices of a sweep the other tasks of the thread get their turn: some hundred
/// microseconds.
const SLICES_AT_ONCE: usize = 64;

/// Keeps sessions in the memory of this process, as live values of `D`.
///
/// It is the default store. Its sessions end with the process, and no other process sees them.
/// A clone shares the sessions; two stores that were made apart share nothing.
///
/// It holds a million sessions unless [`capacity`](MemoryStoreBuilder::capacity) says otherwise.
/// When it is full, sessions that have ended go first, then, oldest first, those that no request
/// ever presented and that belong to no subject; if every session has to stay, a new one is
/// refused with [`StoreError::Full`]. Sessions that have ended are removed a few at a time by the
/// requests that come by, so that neither a task nor a runtime is needed.
///
/// In debug builds it proves of all data that it survives being encoded and decoded, so that
/// moving to a store on a server brings no surprise; what does not is refused with
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
    room: Arc<Room<D>>,
}

impl<D> MemoryStore<D> {
    /// An empty store for a million sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// An empty store, to be described further.
    pub fn builder() -> MemoryStoreBuilder<D> {
        MemoryStoreBuilder::new()
    }
}

impl<D> Clone for MemoryStore<D> {
    fn clone(&self) -> Self {
        Self {
            room: self.room.clone(),
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
            .field("sessions", &self.room.records())
            .field("capacity", &self.room.capacity)
            .finish_non_exhaustive()
    }
}

/// What became of one try to put a new session into its shard.
enum Put<D> {
    Done(Snapshot<D>),
    Exists,
    /// The store is full: something has to give way first.
    NoRoom,
    /// The store is full whatever gives way.
    Full,
}

impl<D: SessionData> SyncStore<D> for MemoryStore<D> {
    fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        if cfg!(debug_assertions) {
            proof::survives_encoding(&*record.data)?;
        }
        let mut evicted = Vec::new();
        loop {
            let (put, now) = self.try_put(key, record);
            match put {
                Put::Done(snapshot) => {
                    self.room.tidy(now);
                    return Ok(InsertOutcome::Done { snapshot, evicted });
                }
                Put::Exists => return Ok(InsertOutcome::Exists),
                Put::NoRoom => evicted.extend(self.room.make_room().ok_or(StoreError::Full)?),
                Put::Full => return Err(StoreError::Full),
            }
        }
    }

    fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let room = &*self.room;
        let at = room.shard_of(&key.id);
        let now = room.clock.millis();
        room.tidy(now);
        // Most loads write nothing, and share the lock.
        let mut record = None;
        let admitted = room.read(at, |shard| {
            let entry = shard.get(key)?;
            let writes = entry.admit(request, now)?;
            if writes.leave_it() {
                record = Some(entry.record(&room.clock, false));
            }
            Some(writes)
        });
        Ok(match admitted {
            Some(writes) if !writes.leave_it() => self.load_and_write(key, request),
            // One that gave way to another meanwhile is not there for anybody.
            Some(writes) if writes.is_first() => {
                let marked = room.write(at, |shard| shard.change(key, now, Entry::mark_loaded));
                record.filter(|_| marked.is_some())
            }
            _ => record,
        })
    }

    fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        if cfg!(debug_assertions)
            && let Some(data) = &change.data
        {
            proof::survives_encoding(&*data.data)?;
        }
        let room = &*self.room;
        let mut replaced = None;
        let mut now = 0;
        let committed = room.write(room.shard_of(&key.id), |shard| {
            // Taken under the lock: else a session that was seen as gone could come back.
            now = room.clock.millis();
            let changed_data = |entry: &Entry<D>| change.data.is_some().then(|| entry.snapshot());
            shard.change(key, now, |entry| match entry.judge(change) {
                Verdict::Repeated => CommitOutcome::Applied(changed_data(entry)),
                Verdict::OtherGeneration => CommitOutcome::Ended,
                Verdict::Conflict => {
                    CommitOutcome::Conflict(Box::new(entry.record(&room.clock, false)))
                }
                Verdict::Apply => {
                    replaced = entry.apply(change, now);
                    CommitOutcome::Applied(changed_data(entry))
                }
            })
        });
        discard(replaced);
        room.tidy(now);
        Ok(committed.unwrap_or(CommitOutcome::Ended))
    }

    fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let room = &*self.room;
        let (removed, was_alive) = room.write(room.shard_of(&key.id), |shard| {
            let now = room.clock.millis();
            match shard.get(key).map(|entry| entry.is_alive(now)) {
                Some(was_alive) => (shard.remove(&key.id), was_alive),
                None => (None, false),
            }
        });
        room.release(usize::from(removed.is_some()));
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
        Some(format!("memory store {}", self.room.number))
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        // What has ended is taken away, a little at a time: nothing has to be counted out then.
        self.sweep_all(usize::MAX).await;
        Ok(self.room.count(namespace))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.sweep_all(limit).await)
    }

    fn now(&self) -> Timestamp {
        self.room.clock.now()
    }
}

impl<D> MemoryStore<D> {
    /// Puts a new session into its shard, if its id is not taken and there is room; and the time
    /// at which it did.
    fn try_put(&self, key: Key, record: &NewRecord<D>) -> (Put<D>, u64) {
        let room = &*self.room;
        let mut ended = Vec::new();
        let mut now = 0;
        let put = room.write(room.shard_of(&key.id), |shard| {
            now = room.clock.millis();
            if shard.is_taken(&key.id, now) {
                return Put::Exists;
            }
            // One that has ended is replaced. And whoever brings a session takes two that have
            // ended away, so that a store in use never holds much that is dead.
            ended.extend(shard.remove(&key.id));
            shard.sweep(2, now, &mut ended);
            room.release(ended.len());
            if !room.reserve() {
                return Put::NoRoom;
            }
            let entry = Entry::new(key.id, record, now);
            let snapshot = entry.snapshot();
            if shard.put(key.namespace, entry) {
                return Put::Done(snapshot);
            }
            room.release(1);
            Put::Full
        });
        discard(ended);
        (put, now)
    }

    async fn sweep_all(&self, limit: usize) -> usize {
        let now = self.room.clock.millis();
        let mut removed = 0;
        let mut slices = 0;
        while removed < limit
            && let Some(at) = self.room.shard_with_due(now)
        {
            let slice = SLICE.min(limit - removed);
            if slice == SLICE {
                self.room.put_off_tidying();
            }
            removed += self.room.sweep_slice(at, slice, now);
            slices += 1;
            if slices % SLICES_AT_ONCE == 0 {
                yield_now().await;
            }
        }
        removed
    }

    /// A load that has to write something, or had to a moment ago.
    fn load_and_write(&self, key: Key, request: &LoadRequest) -> Option<Record<D>> {
        let room = &*self.room;
        room.write(room.shard_of(&key.id), |shard| {
            // Taken under the lock: else a session that was seen as gone could come back.
            let now = room.clock.millis();
            shard.change(key, now, |entry| {
                let writes = entry.admit(request, now)?;
                entry.carry_out(writes, request, now);
                Some(entry.record(&room.clock, writes.offers()))
            })
        })?
    }
}

/// Up to so many places, a list is too small to be worth giving memory back.
const SMALL: usize = 64;

/// A list of its own for what is in this one, with room for so many.
fn moved_to<T>(list: &mut Vec<T>, room: usize) -> Vec<T> {
    let mut moved = Vec::with_capacity(room.max(list.len()));
    moved.append(list);
    moved
}

fn is_wasteful(room: usize, used: usize) -> bool {
    room > 4 * SMALL && used < room / 8
}
