//! A store that keeps all sessions of one data type in a map behind a mutex.

mod entry;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use connect_session_runtime::clock::Clock;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord};
use connect_session_runtime::store::{
    CommitOutcome, InsertOutcome, LoadOutcome, Store, StoreError,
};
use connect_session_runtime::timestamp::Timestamp;

use entry::Entry;

/// A store of sessions in a map.
pub struct MapStore<D> {
    entries: Mutex<HashMap<Key, Entry<D>>>,
    clock: Clock,
}

impl<D: SessionData> MapStore<D> {
    /// Creates an empty store that uses this clock.
    pub fn new(clock: impl Into<Clock>) -> Self {
        Self {
            entries: Mutex::default(),
            clock: clock.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry<D>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: SessionData> Store<D> for MapStore<D> {
    fn is_serializing(&self) -> bool {
        false
    }

    async fn insert(&self, key: Key, new: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        let now = self.now();
        let mut entries = self.lock();
        if entries.get(&key).is_some_and(|entry| entry.is_alive(now)) {
            return Ok(InsertOutcome::Exists);
        }
        let entry = Entry::new(new, now);
        let snapshot = entry.snapshot();
        entries.insert(key, entry);
        Ok(InsertOutcome::Done {
            snapshot,
            evicted: Vec::new(),
            ended: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        let now = self.now();
        let mut entries = self.lock();
        let entry = entries.get_mut(&key).filter(|entry| entry.is_alive(now));
        Ok(entry.and_then(|entry| entry.load(request, now)).into())
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let now = self.now();
        let mut entries = self.lock();
        let entry = entries.get_mut(&key).filter(|entry| entry.is_alive(now));
        Ok(entry.map_or(CommitOutcome::Ended, |entry| entry.commit(change, now)))
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let now = self.now();
        let entry = self.lock().remove(&key);
        Ok(entry.is_some_and(|entry| entry.is_alive(now)))
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let now = self.now();
        let entries = self.lock();
        let alive = entries
            .iter()
            .filter(|(key, entry)| key.namespace == namespace && entry.is_alive(now));
        Ok(alive.count() as u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.now();
        let mut entries = self.lock();
        let ended = entries.iter().filter(|(_, entry)| !entry.is_alive(now));
        let ended: Vec<Key> = ended.map(|(key, _)| *key).take(limit).collect();
        for key in &ended {
            entries.remove(key);
        }
        Ok(ended.len())
    }

    fn now(&self) -> Timestamp {
        self.clock.now().into()
    }
}

#[cfg(test)]
mod tests {
    use connect_session_runtime::testing::FakeClock;
    use connect_session_runtime::testing::conformance::{Harness, store_conformance};

    use super::*;

    store_conformance! {
        mod conformance, || async {
            let clock = FakeClock::new();
            Harness::new(MapStore::new(clock.clone())).with_clock(clock)
        }
    }
}
