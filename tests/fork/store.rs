//! A memory store that records the commit ids that it receives.

use std::sync::{Mutex, PoisonError};

use sessions::Untyped;
use sessions::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, MemoryStore, NewRecord,
    Store, StoreError,
};

static COMMIT_IDS: Mutex<Vec<[u8; 16]>> = Mutex::new(Vec::new());

/// As far as the library knows, other processes use the same records.
#[derive(Default)]
pub(crate) struct RecordingStore(MemoryStore<Untyped>);

impl RecordingStore {
    /// The commit ids since the last call.
    pub(crate) fn take_commit_ids() -> Vec<[u8; 16]> {
        std::mem::take(&mut COMMIT_IDS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(id: [u8; 16]) {
        let mut ids = COMMIT_IDS.lock().unwrap_or_else(PoisonError::into_inner);
        ids.push(id);
    }
}

impl Store<Untyped> for RecordingStore {
    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        Self::record(record.commit_id.to_bytes());
        self.0.insert(key, record).await
    }

    async fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<LoadOutcome<Untyped>, StoreError> {
        self.0.load(key, request).await
    }

    async fn commit(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        Self::record(change.commit_id.to_bytes());
        self.0.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.0.destroy(key).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.0.count(namespace).await
    }
}
