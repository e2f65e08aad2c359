//! A store of encoded fields, as one on a server would be: it keeps a JSON text and a revision for
//! each top-level field, and never looks into the text. Its lock is its transaction.

mod stored;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadRequest, NewRecord, Record, Store, StoreError,
};
use connect_session::testing::FakeClock;
use connect_session::{SessionData, SessionId};

use self::stored::{Admitted, Field, StoredRecord};

/// A clone is the same store, for whatever type of data.
#[derive(Debug, Clone)]
pub struct EncodedStore {
    clock: FakeClock,
    kept: Arc<Mutex<HashMap<Key, StoredRecord>>>,
    writes: Arc<AtomicU64>,
}

impl EncodedStore {
    pub fn new(clock: FakeClock) -> Self {
        Self {
            clock,
            kept: Arc::default(),
            writes: Arc::default(),
        }
    }

    /// How many times a record was written, touches included.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The text of each field.
    pub fn fields(&self, id: &str) -> BTreeMap<String, String> {
        let kept = self.kept.lock().unwrap();
        let record = kept.iter().find(|(key, _)| key.id.to_string() == id);
        let fields = record.map(|(_, record)| &record.fields);
        (fields.into_iter().flatten())
            .map(|(name, field)| (name.clone(), field.json.clone()))
            .collect()
    }

    /// Overwrites the text of a field, as somebody with access to the server could.
    pub fn poke(&self, id: &str, name: &str, json: &str) {
        let id: SessionId = id.parse().unwrap();
        let mut kept = self.kept.lock().unwrap();
        let (_, record) = kept.iter_mut().find(|(key, _)| key.id == id).unwrap();
        let field = Field {
            json: json.to_owned(),
            revision: record.version,
        };
        record.fields.insert(name.to_owned(), field);
    }

    /// Loses everything.
    pub fn clear(&self) {
        self.kept.lock().unwrap().clear();
    }

    /// Runs a verb on the record, if it is alive.
    fn with<R>(&self, key: Key, verb: impl FnOnce(&mut StoredRecord, Timestamp) -> R) -> Option<R> {
        let now = Timestamp::from(self.clock.now());
        let mut kept = self.kept.lock().unwrap();
        let record = kept.get_mut(&key).filter(|record| record.is_alive(now))?;
        Some(verb(record, now))
    }

    fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }
}

impl<D: SessionData> Store<D> for EncodedStore {
    async fn insert(&self, key: Key, new: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let record = StoredRecord::new(new, now)?;
        let snapshot = record.snapshot()?;
        let mut kept = self.kept.lock().unwrap();
        if kept.get(&key).is_some_and(|record| record.is_alive(now)) {
            return Ok(InsertOutcome::Exists);
        }
        kept.insert(key, record);
        self.wrote();
        Ok(InsertOutcome::Done {
            snapshot,
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let record = self.with(key, |record, now| {
            let admitted = record.admit(request, now);
            if admitted == Admitted::No {
                return Ok(None);
            }
            let every = (request.touch_every)
                .filter(|every| *every < record.lifetime.idle())
                .unwrap_or(record.lifetime.idle() / 10);
            let touched = record.deadlines.idle_until - record.lifetime.idle();
            let touch = touched + every <= now;
            if touch {
                record.slide(now);
            }
            if touch || admitted != Admitted::Yes {
                self.wrote();
            }
            record.record(admitted == Admitted::WithAnOffer).map(Some)
        });
        record.unwrap_or(Ok(None))
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        match self.with(key, |record, now| record.commit(change, now)) {
            None => Ok(CommitOutcome::Ended),
            Some(Err(error)) => Err(error),
            Some(Ok((committed, wrote))) => {
                if wrote {
                    self.wrote();
                }
                Ok(committed)
            }
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let was_alive = self.with(key, |_, _| ()).is_some();
        self.kept.lock().unwrap().remove(&key);
        self.wrote();
        Ok(was_alive)
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let kept = self.kept.lock().unwrap();
        let living = kept
            .iter()
            .filter(|(key, record)| key.namespace == namespace && record.is_alive(now));
        Ok(living.count() as u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = Timestamp::from(self.clock.now());
        let mut kept = self.kept.lock().unwrap();
        let dead: Vec<Key> = kept
            .iter()
            .filter(|(_, record)| !record.is_alive(now))
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        for key in &dead {
            kept.remove(key);
        }
        Ok(dead.len())
    }

    fn now(&self) -> Timestamp {
        self.clock.now().into()
    }
}

connect_session::testing::conformance::store_conformance! {
    mod conformance, || async {
        let clock = FakeClock::new();
        let store = EncodedStore::new(clock.clone());
        connect_session::testing::conformance::Harness::new(store).with_clock(clock)
    }
}
