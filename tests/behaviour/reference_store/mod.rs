//! A reference store that keeps encoded fields, as a server store would: a JSON text for each top-level
//! field. Its mutex serves as the transaction.

mod stored;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, NewRecord, Store,
    StoreError,
};
use connect_session::testing::FakeClock;
use connect_session::{SessionData, SessionId};

use self::stored::{Admitted, StoredRecord};

/// Clones share their records, for any type of data.
#[derive(Debug, Clone)]
pub struct EncodedStore {
    clock: FakeClock,
    records: Arc<Mutex<HashMap<Key, StoredRecord>>>,
    writes: Arc<AtomicU64>,
}

impl EncodedStore {
    pub fn new(clock: FakeClock) -> Self {
        Self {
            clock,
            records: Arc::default(),
            writes: Arc::default(),
        }
    }

    /// The number of times that a record was written, including touches.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The JSON text of each field.
    pub fn fields(&self, id: &str) -> BTreeMap<String, String> {
        let records = self.records.lock().unwrap();
        let record = records.iter().find(|(key, _)| key.id.to_string() == id);
        record.map_or_else(BTreeMap::new, |(_, record)| record.fields.clone())
    }

    /// Overwrites the JSON text of a field, to simulate a foreign or corrupt value.
    pub fn poke(&self, id: &str, name: &str, json: &str) {
        let id: SessionId = id.parse().unwrap();
        let mut records = self.records.lock().unwrap();
        let (_, record) = records.iter_mut().find(|(key, _)| key.id == id).unwrap();
        record.fields.insert(name.to_owned(), json.to_owned());
    }

    /// Removes all records.
    pub fn clear(&self) {
        self.records.lock().unwrap().clear();
    }

    /// Runs an operation on the record, if it is alive.
    fn with<R>(
        &self,
        key: Key,
        operation: impl FnOnce(&mut StoredRecord, Timestamp) -> R,
    ) -> Option<R> {
        let now = Timestamp::from(self.clock.now());
        let mut records = self.records.lock().unwrap();
        let record = records
            .get_mut(&key)
            .filter(|record| record.is_alive(now))?;
        Some(operation(record, now))
    }

    fn count_write(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }
}

impl<D: SessionData> Store<D> for EncodedStore {
    async fn insert(&self, key: Key, new: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let record = StoredRecord::new(new, now)?;
        let snapshot = record.snapshot()?;
        let mut records = self.records.lock().unwrap();
        if records.get(&key).is_some_and(|record| record.is_alive(now)) {
            return Ok(InsertOutcome::Exists);
        }
        records.insert(key, record);
        self.count_write();
        Ok(InsertOutcome::Done {
            snapshot,
            evicted: Vec::new(),
            ended: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        let record = self.with(key, |record, now| {
            let admitted = record.admit(request, now);
            if admitted == Admitted::No {
                return Ok(LoadOutcome::Unknown);
            }
            // A session that cannot be read does not live longer.
            record.snapshot::<D>()?;
            if record.slide_if_due(request.touch_every, now) || admitted != Admitted::Yes {
                self.count_write();
            }
            let record = record.record(admitted == Admitted::WithAnOffer)?;
            Ok(LoadOutcome::Found(record))
        });
        record.unwrap_or(Ok(LoadOutcome::Unknown))
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        match self.with(key, |record, now| record.commit(change, now)) {
            None => Ok(CommitOutcome::Ended),
            Some(Err(error)) => Err(error),
            Some(Ok((committed, wrote))) => {
                if wrote {
                    self.count_write();
                }
                Ok(committed)
            }
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let removed = self.records.lock().unwrap().remove(&key);
        self.count_write();
        Ok(removed.is_some_and(|record| record.is_alive(now)))
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let records = self.records.lock().unwrap();
        let living = records
            .iter()
            .filter(|(key, record)| key.namespace == namespace && record.is_alive(now));
        Ok(living.count() as u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let mut records = self.records.lock().unwrap();
        let dead: Vec<Key> = records
            .iter()
            .filter(|(_, record)| !record.is_alive(now))
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        for key in &dead {
            records.remove(key);
        }
        Ok(dead.len())
    }

    fn now(&self) -> Timestamp {
        self.clock.now().into()
    }
}
