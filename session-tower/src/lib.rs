//! [`TowerStore`]: uses a store that was written for tower-sessions.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod old_sessions;
mod stored;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tower_sessions_core::session::{Id, Record as TowerRecord};
use tower_sessions_core::session_store::{Error as TowerError, SessionStore};

pub use self::old_sessions::TowerSessions;
use self::stored::{EncodedChange, Outcome, StoredRecord};
use connect_session_runtime::clock::Clock;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord};
use connect_session_runtime::store::{
    CommitOutcome, InsertOutcome, LoadOutcome, Store, StoreError,
};
use connect_session_runtime::timestamp::Timestamp;

/// The number of locks. Sessions that share a lock are written one after another.
const LOCKS: usize = 256;

/// Wraps a store that was written for [tower-sessions](https://docs.rs/tower-sessions).
///
/// Such a store can create, save, load and delete a whole record. It has no operation that depends
/// on the stored record. `TowerStore` therefore loads, changes and saves under a lock of its
/// process, and the guarantees of [`Store`] hold as far as that lock reaches:
///
/// | guarantee | one process | several processes on one store |
/// | --- | --- | --- |
/// | a wrong, rotated or expired sid is unknown | kept | kept, but see the next rows |
/// | two concurrent writes are both stored | kept | **not kept**: the later one replaces the other, and both clients see a success |
/// | a logout is final | kept | **not kept**: a request in progress in another process can restore the session |
/// | the sid from before a `login` or `rotate` is invalid | kept | **not kept**: a request in progress in another process can make it valid again |
/// | of two concurrent logins one succeeds | kept | **not kept** |
/// | a counter in `update` is exact | kept | **not kept** |
/// | a request that only reads changes nothing | kept | **not kept**: once per `touch_every` it writes the whole record back, as it loaded it |
/// | a failing store is a 503 and never an empty session | kept | kept |
/// | a dropped request has written everything or nothing | kept | kept, if `save` of the store is atomic |
/// | one round trip per request | a request that reads: 1, one that changes: 3 | the same |
/// | `count`, and lists of a user's sessions | **not kept**: the store cannot count | **not kept** |
/// | expired records are removed | by the store, or by its own `ExpiredDeletion` | the same |
///
/// Use it with one process, or with several if all requests of a session go to the same one.
/// Otherwise, use a store of this library. The same holds for a cache, such as
/// `CachingSessionStore`, which other processes do not see.
///
/// Give it a separate table, database or prefix. tower-sessions treats a record's id as the secret;
/// here the id is public. If a program serves the same records with tower-sessions, everyone who
/// reads an id in a log can open that session.
///
/// It needs a tokio runtime, like most of the stores that it wraps: a write runs in its own task, so
/// that it completes even if the request is dropped.
///
/// ```
/// use connect_session::session_config;
/// use connect_session::store::TowerStore;
/// use tower_sessions_memory_store::MemoryStore;
///
/// session_config! {
///     struct Shop {
///         store: TowerStore<MemoryStore> = TowerStore::new(MemoryStore::default()),
///     }
/// }
/// # fn main() {}
/// ```
pub struct TowerStore<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    /// Distinguishes the wrappers of this process.
    number: u64,
    store: S,
    clock: Clock,
    /// A fixed set, which sessions share, so that no lock has to be created or removed.
    locks: Vec<Arc<Mutex<()>>>,
}

impl<S: SessionStore> TowerStore<S> {
    /// Wraps a store.
    ///
    /// Two wrappers of the same records behave like two processes. Clone the first one instead.
    pub fn new(store: S) -> Self {
        Self::with_clock(store, Clock::system())
    }

    /// Wraps a store, with another clock for the deadlines, for tests. The wrapped store must not
    /// remove a record before this clock has reached its deadline.
    pub fn with_clock(store: S, clock: impl Into<Clock>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let locks = std::iter::repeat_with(Arc::default).take(LOCKS).collect();
        Self {
            shared: Arc::new(Shared {
                number: COUNT.fetch_add(1, Ordering::Relaxed),
                store,
                clock: clock.into(),
                locks,
            }),
        }
    }

    /// The wrapped store.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.shared.store
    }

    /// Runs an operation to completion in its own task, so that a dropped request does not release
    /// the lock while the store still writes.
    async fn run_detached<T, Operation>(
        &self,
        operation: impl FnOnce(Arc<Shared<S>>) -> Operation,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Operation: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let task = tokio::spawn(operation(self.shared.clone()));
        task.await
            .map_err(|error| StoreError::OutcomeUnknown(error.into()))?
    }
}

impl<S: SessionStore> Shared<S> {
    fn now(&self) -> u64 {
        self.clock.now().as_millis()
    }

    async fn lock(&self, key: Key) -> Option<OwnedMutexGuard<()>> {
        // The last byte of an id is random.
        let index = usize::from(key.id.as_bytes()[15]);
        let lock = self.locks.get(index)?;
        Some(lock.clone().lock_owned().await)
    }

    /// The live session of a key, and the time at which it was read.
    async fn read(&self, key: Key) -> Result<Option<(StoredRecord, u64)>, StoreError> {
        let record = self.store.load(&id(key)).await.map_err(load_error)?;
        let now = self.now();
        let Some(record) = record else {
            return Ok(None);
        };
        let stored = StoredRecord::read(&record, key.namespace, now)?;
        Ok(stored.map(|stored| (stored, now)))
    }

    async fn save(&self, key: Key, stored: &StoredRecord) -> Result<(), StoreError> {
        self.store
            .save(&stored.write(id(key))?)
            .await
            .map_err(write_error)
    }

    /// Creates the record. Returns `false` if there already is one.
    async fn create(&self, record: TowerRecord) -> Result<bool, StoreError> {
        let id = record.id;
        // A store may take another id if there is an expired record with this one.
        for _ in 0..2 {
            let mut created = record.clone();
            self.store.create(&mut created).await.map_err(write_error)?;
            if created.id == id {
                return Ok(true);
            }
            for wrong in [created.id, id] {
                self.store.delete(&wrong).await.map_err(write_error)?;
            }
        }
        Ok(false)
    }
}

fn id(key: Key) -> Id {
    Id(i128::from_be_bytes(*key.id.as_bytes()))
}

fn load_error(error: TowerError) -> StoreError {
    match error {
        TowerError::Backend(_) => StoreError::Unavailable(error.into()),
        // The error is dropped, because it can quote the user's values.
        _ => StoreError::Undecodable {
            field: None,
            source: "the store cannot decode the record".into(),
        },
    }
}

fn write_error(error: TowerError) -> StoreError {
    match error {
        TowerError::Backend(_) => StoreError::OutcomeUnknown(error.into()),
        _ => StoreError::Unavailable("the store cannot encode the record".into()),
    }
}

impl<D: SessionData, S: SessionStore> Store<D> for TowerStore<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        let unused = Id(0);
        self.shared.store.load(&unused).await.map_err(load_error)?;
        Ok(())
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let (stored, snapshot) = StoredRecord::new(key, record, self.shared.now())?;
        let done = self
            .run_detached(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let found = shared.store.load(&id(key)).await.map_err(load_error)?;
                let now = shared.now();
                // A record that cannot be read may be alive.
                if found.is_some_and(|record| !StoredRecord::has_ended(&record, now)) {
                    return Ok(false);
                }
                shared.create(stored.write(id(key))?).await
            })
            .await?;
        Ok(if done {
            InsertOutcome::Done {
                snapshot,
                evicted: Vec::new(),
                ended: Vec::new(),
            }
        } else {
            InsertOutcome::Exists
        })
    }

    fn supports_sealing(&self) -> bool {
        true
    }

    fn detects_reuse(&self) -> bool {
        true
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        // Most loads write nothing and need no lock.
        let Some((mut stored, now)) = self.shared.read(key).await? else {
            return Ok(LoadOutcome::Unknown);
        };
        match stored.load(request, now) {
            None => return Ok(stored.not_found(request, now)),
            Some(effects) if effects.is_empty() => {
                return stored
                    .record(false, &request.format)
                    .map(LoadOutcome::Found);
            }
            // Before anything is written: a session that cannot be read does not live longer.
            Some(_) => drop(stored.snapshot::<D>(&request.format)?),
        }
        let request = *request;
        let found = self
            .run_detached(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let Some((mut stored, now)) = shared.read(key).await? else {
                    return Ok(None);
                };
                let Some(effects) = stored.load(&request, now) else {
                    return Ok(None);
                };
                if !effects.is_empty() {
                    shared.save(key, &stored).await?;
                }
                Ok(Some((stored, effects)))
            })
            .await?;
        let record =
            found.map(|(stored, effects)| stored.record(effects.makes_offer(), &request.format));
        Ok(record.transpose()?.into())
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let encoded = EncodedChange::new(change);
        let outcome = self
            .run_detached(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let Some((mut stored, now)) = shared.read(key).await? else {
                    return Ok(Outcome::Ended);
                };
                let outcome = stored.commit(encoded, now)?;
                if matches!(outcome, Outcome::Applied { .. }) {
                    shared.save(key, &stored).await?;
                }
                Ok(outcome)
            })
            .await?;
        let format = &change.format;
        Ok(match outcome {
            Outcome::Ended => CommitOutcome::Ended,
            Outcome::Conflict(stored) => {
                CommitOutcome::Conflict(Box::new(stored.record(false, format)?))
            }
            Outcome::AlreadyApplied(stored) => {
                let snapshot = change.data.is_some().then(|| stored.snapshot(format));
                CommitOutcome::applied(snapshot.transpose()?)
            }
            Outcome::Applied { version, fields } => {
                let data = change.data.as_ref();
                CommitOutcome::applied(data.map(|data| data.snapshot_with_bytes(version, fields)))
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.run_detached(async move |shared: Arc<Shared<S>>| {
            let _lock = shared.lock(key).await;
            let was_alive = shared.read(key).await?.is_some();
            if was_alive {
                shared.store.delete(&id(key)).await.map_err(write_error)?;
            }
            Ok(was_alive)
        })
        .await
    }

    /// Not available: tower-sessions stores have no operation for it.
    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable(
            "a tower-sessions store cannot count its sessions".into(),
        ))
    }

    fn backend_id(&self) -> Option<String> {
        Some(format!("`TowerStore` {}", self.shared.number))
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

impl<S> Clone for TowerStore<S> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for TowerStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TowerStore")
            .field(&self.shared.store)
            .finish()
    }
}
