//! The memory store.
//!
//! Sessions are live values behind an [`Arc`]: loading one is a lookup and a reference count,
//! independent of its size. They are in a [`DashMap`](dashmap::DashMap), and every decision about a
//! session is made under the lock of its shard. No user code runs under a lock.
//!
//! A [wheel](wheel) says when to look at which session, and a queue which sessions may be evicted.
//! Neither is updated when a session ends or lives on: an entry may be outdated, which shows when it is
//! looked at.

mod builder;
mod counts;
mod deferred_drop;
mod entry;
mod handle;
mod inspect;
mod logins;
mod namespaces;
mod queue;
mod records;
mod subject_index;
mod subjects;
mod sweep;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod tombstones;
mod unpresented;
mod wheel;

use std::fmt;
use std::sync::Arc;

pub use self::builder::MemoryStoreBuilder;
use self::deferred_drop::{DeferredDrop, discard};
use self::entry::Entry;
use self::records::{Put, Records};
use super::{
    CommitOutcome, InsertOutcome, Inspect, LoadOutcome, Store, StoreError, SubjectIndex, SyncStore,
};
use crate::data::{SessionData, proof};
#[cfg(all(feature = "_layer", feature = "testing"))]
use crate::record::Record;
use crate::record::{Change, Key, LoadRequest, NewRecord};
use crate::timestamp::Timestamp;

/// Keeps sessions in the memory of this process, as live values of `D`.
///
/// It is the default store. Its sessions end with the process, and other processes do not see
/// them. A clone shares the sessions of the original; stores that are built separately share
/// nothing.
///
/// The store holds up to a million sessions; change that with
/// [`capacity`](MemoryStoreBuilder::capacity). A full store removes an expired session first. Then
/// it evicts the oldest session that no request ever presented and that belongs to no subject. If
/// there is none, it refuses a new session with [`StoreError::Full`]. A creation looks at a limited
/// number of sessions, so that it never takes long: if a great many sessions are due at the same
/// time, a full store may refuse or evict one before it has found all that have expired.
///
/// Requests remove expired sessions in passing, a few at a time, so the store needs neither a
/// background task nor an async runtime.
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
    records: Arc<Records<D>>,
}

impl<D> MemoryStore<D> {
    fn of_records(records: Records<D>) -> Self {
        Self {
            records: Arc::new(records),
        }
    }
}

impl<D> Clone for MemoryStore<D> {
    fn clone(&self) -> Self {
        Self {
            records: self.records.clone(),
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
            .field("sessions", &self.records.counts.places())
            .field("capacity", &self.records.capacity)
            .finish_non_exhaustive()
    }
}

impl<D: SessionData> SyncStore<D> for MemoryStore<D> {
    fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        if cfg!(debug_assertions) {
            proof::check_data(&*record.data)?;
        }
        let records = &*self.records;
        let mut evicted = Vec::new();
        loop {
            let now = records.clock.millis();
            let mut deferred = DeferredDrop::new(records);
            let put = match &record.login {
                None => records.put(key, record, now, &mut deferred),
                Some(login) => records.put_login(key, record, login, &mut deferred),
            };
            match put {
                Put::Done { snapshot, ended } => {
                    drop(deferred);
                    records.maybe_sweep(now);
                    return Ok(InsertOutcome::Done {
                        snapshot,
                        evicted,
                        ended,
                    });
                }
                Put::Exists => return Ok(InsertOutcome::Exists),
                Put::Refused(refusal) => return Ok(InsertOutcome::Refused(refusal)),
                Put::NoRoom => evicted.extend(records.make_room().ok_or(StoreError::Full)?),
                Put::Full => return Err(StoreError::Full),
            }
        }
    }

    fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        let records = &*self.records;
        let now = records.clock.millis();
        records.maybe_sweep(now);
        // Most loads write nothing and share the lock.
        {
            let Some(entry) = records.get(key) else {
                return Ok(records.load_tombstone(key, request, now));
            };
            let Some(effects) = entry.on_load(request, now) else {
                return Ok(entry.not_found(request, now));
            };
            if effects.is_empty() {
                records.counts.change(entry.present(), false);
                return Ok(LoadOutcome::Found(entry.record(&records.clock, false)));
            }
        }
        Ok(self.load_and_write(key, request))
    }

    fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        if cfg!(debug_assertions)
            && let Some(data) = &change.data
        {
            proof::check_data(&*data.data)?;
        }
        let records = &*self.records;
        if let Some(identity) = &change.identity {
            return Ok(records.commit_identity(key, change, identity));
        }
        let tried = records.commit(key, change, None);
        discard(tried.replaced);
        Ok(tried.outcome)
    }

    fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let records = &*self.records;
        let mut was_alive = false;
        let removed = records.remove(key, |entry| {
            was_alive = entry.is_alive(records.clock.millis());
            true
        });
        if let Some((handle, entry)) = removed {
            records.unfile_removed(handle, &entry);
            discard([entry]);
        }
        Ok(was_alive)
    }
}

impl<D: SessionData> Store<D> for MemoryStore<D> {
    fn is_serializing(&self) -> bool {
        false
    }

    fn detects_reuse(&self) -> bool {
        true
    }

    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        Some(self)
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Some(self)
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        SyncStore::insert(self, key, record)
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        SyncStore::load(self, key, request)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        SyncStore::commit(self, key, change)
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        SyncStore::destroy(self, key)
    }

    fn backend_id(&self) -> Option<String> {
        Some(format!("memory store {}", self.records.number))
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        // Removes expired sessions first, because the counters include them.
        self.records.sweep_all(usize::MAX).await;
        Ok(self.records.count(namespace) as u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.records.sweep_all(limit).await)
    }

    fn now(&self) -> Timestamp {
        self.records.clock.now()
    }
}

impl<D> MemoryStore<D> {
    /// The record that a load would find. It is neither touched nor renewed.
    #[cfg(all(feature = "_layer", feature = "testing"))]
    pub(crate) fn peek(&self, key: Key, request: &LoadRequest) -> Option<Record<D>> {
        let entry = self.records.get(key)?;
        entry.on_load(request, self.records.clock.millis())?;
        Some(entry.record(&self.records.clock, false))
    }

    /// Repeats a load under the exclusive lock, because it has to write.
    fn load_and_write(&self, key: Key, request: &LoadRequest) -> LoadOutcome<D> {
        let records = &*self.records;
        let Some(mut entry) = records.get_mut(key) else {
            return records.load_tombstone(key, request, records.clock.millis());
        };
        // Reads the clock under the lock; otherwise a session that another request has seen as
        // expired could come back.
        let now = records.clock.millis();
        let Some(effects) = entry.on_load(request, now) else {
            return entry.not_found(request, now);
        };
        records.counts.change(entry.present(), false);
        entry.apply_load(effects, request, now);
        LoadOutcome::Found(entry.record(&records.clock, effects.makes_offer()))
    }
}
