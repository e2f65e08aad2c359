//! Stores that were written for tower-sessions.

mod kept;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tower_sessions_core::session::{Id, Record as TowerRecord};
use tower_sessions_core::session_store::{Error as TowerError, SessionStore};

use self::kept::{Admitted, Kept, Outcome, Plan};
use connect_session_runtime::clock::Clock;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

/// How many sessions of one process can be written at the same time.
const LOCKS: usize = 256;

/// Any store that was written for [tower-sessions](https://docs.rs/tower-sessions), so that what
/// exists for other engines can be used.
///
/// Such a store can create, save, load and delete a whole record, and nothing in one step that
/// depends on what is there. This one therefore loads, changes and saves under a lock of its
/// process, and what is promised by [`Store`] holds as far as that lock reaches:
///
/// | promise | one process | several processes on one store |
/// | --- | --- | --- |
/// | a wrong, rotated or expired sid is unknown | kept | kept, but see the next rows |
/// | two writes at once are both there | kept | **not kept**: the later one takes the place of the other, and both clients see a success |
/// | a logout is final | kept | **not kept**: a request that was under way there can bring the session back |
/// | the sid from before a `login` or `rotate` is dead | kept | **not kept**: a request that was under way there can make it good again |
/// | of two logins at once one lands | kept | **not kept** |
/// | a counter in `update` is exact | kept | **not kept** |
/// | a request that only reads changes nothing | kept | **not kept**: once every `touch_every` it writes the whole record back, as it loaded it |
/// | a failing store is a 503 and never an empty session | kept | kept |
/// | a dropped request has written all or nothing | kept | kept, if a `save` of the store is one step |
/// | one round trip a request | a request that reads: 1, one that changes: 3 | the same |
/// | `count`, and lists of a user's sessions | **not kept**: the store cannot tell | **not kept** |
/// | expired records are removed | by the store, or by its own `ExpiredDeletion` | the same |
///
/// So it is right for one process, and for several where each session stays with one of them. For
/// anything else, use a store of this library. A cache in front, such as `CachingSessionStore`, is
/// one more place that other processes do not see.
///
/// Give it a table, a database or a prefix of its own. tower-sessions takes a record's id for the
/// secret; here the id is public, and a program that serves the same records with tower-sessions
/// would open each to whoever read an id in a log.
///
/// It needs a tokio runtime, like most of the stores that it is for: a change that was begun is
/// finished in a task of its own, whatever becomes of the request.
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
    store: S,
    clock: Clock,
    /// One for each session that has this number, so that nothing has to be made or forgotten.
    locks: Vec<Arc<Mutex<()>>>,
}

impl<S: SessionStore> TowerStore<S> {
    /// A store over this one.
    ///
    /// Two that are made apart over the same records are like two processes: clone the first.
    pub fn new(store: S) -> Self {
        Self::with_clock(store, Clock::system())
    }

    /// The same by another clock, for tests. It decides over the deadlines; the store below may
    /// forget a record only later.
    pub fn with_clock(store: S, clock: impl Into<Clock>) -> Self {
        let locks = std::iter::repeat_with(Arc::default).take(LOCKS).collect();
        Self {
            shared: Arc::new(Shared {
                store,
                clock: clock.into(),
                locks,
            }),
        }
    }

    /// The store that keeps the records.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.shared.store
    }

    /// Runs a verb to its end, also if the request is no longer interested: what is begun under the
    /// lock must not go on without it.
    async fn whole<T, Verb>(
        &self,
        verb: impl FnOnce(Arc<Shared<S>>) -> Verb,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Verb: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let task = tokio::spawn(verb(self.shared.clone()));
        task.await
            .map_err(|error| StoreError::OutcomeUnknown(error.into()))?
    }
}

impl<S: SessionStore> Shared<S> {
    fn now(&self) -> u64 {
        self.clock.now().as_millis()
    }

    async fn lock(&self, key: Key) -> Option<OwnedMutexGuard<()>> {
        // The last bytes of an id are random.
        let number = usize::from(key.id.as_bytes()[15]);
        let lock = self.locks.get(number)?;
        Some(lock.clone().lock_owned().await)
    }

    /// The living session of a key, by this moment.
    async fn read(&self, key: Key) -> Result<Option<(Kept, u64)>, StoreError> {
        let record = self.store.load(&id(key)).await.map_err(of_load)?;
        let now = self.now();
        let Some(record) = record else {
            return Ok(None);
        };
        let kept = Kept::read(&record, key.namespace, now)?;
        Ok(kept.map(|kept| (kept, now)))
    }

    async fn save(&self, key: Key, kept: &Kept) -> Result<(), StoreError> {
        self.store
            .save(&kept.write(id(key))?)
            .await
            .map_err(of_write)
    }

    /// Whether there was none, and the record is there now.
    async fn create(&self, record: TowerRecord) -> Result<bool, StoreError> {
        let id = record.id;
        // A store may count one that has expired as one that is there, and take another id.
        for _ in 0..2 {
            let mut created = record.clone();
            self.store.create(&mut created).await.map_err(of_write)?;
            if created.id == id {
                return Ok(true);
            }
            for wrong in [created.id, id] {
                self.store.delete(&wrong).await.map_err(of_write)?;
            }
        }
        Ok(false)
    }
}

fn id(key: Key) -> Id {
    Id(i128::from_be_bytes(*key.id.as_bytes()))
}

fn of_load(error: TowerError) -> StoreError {
    match error {
        TowerError::Backend(_) => StoreError::Unavailable(error.into()),
        // Its text could quote the user's values.
        _ => StoreError::Undecodable {
            field: None,
            source: "the store cannot decode the record".into(),
        },
    }
}

fn of_write(error: TowerError) -> StoreError {
    match error {
        TowerError::Backend(_) => StoreError::OutcomeUnknown(error.into()),
        _ => StoreError::Unavailable("the store cannot encode the record".into()),
    }
}

impl<D: SessionData, S: SessionStore> Store<D> for TowerStore<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        let nobody = Id(0);
        self.shared.store.load(&nobody).await.map_err(of_load)?;
        Ok(())
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let (kept, snapshot) = Kept::new(key, record, self.shared.now())?;
        let done = self
            .whole(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let there = shared.store.load(&id(key)).await.map_err(of_load)?;
                let now = shared.now();
                // A record that cannot be read is one that may live.
                if there.is_some_and(|record| !Kept::has_ended(&record, now)) {
                    return Ok(false);
                }
                shared.create(kept.write(id(key))?).await
            })
            .await?;
        Ok(if done {
            InsertOutcome::Done {
                snapshot,
                evicted: Vec::new(),
            }
        } else {
            InsertOutcome::Exists
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        // Most loads write nothing, and need no lock.
        let Some((mut kept, now)) = self.shared.read(key).await? else {
            return Ok(None);
        };
        match kept.admit(request, now) {
            None => return Ok(None),
            Some(Admitted::AsItIs) => return kept.record(false).map(Some),
            Some(_) => {}
        }
        let request = *request;
        let admitted = self
            .whole(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let Some((mut kept, now)) = shared.read(key).await? else {
                    return Ok(None);
                };
                let Some(admitted) = kept.admit(&request, now) else {
                    return Ok(None);
                };
                if admitted != Admitted::AsItIs {
                    shared.save(key, &kept).await?;
                }
                Ok(Some((kept, admitted)))
            })
            .await?;
        admitted
            .map(|(kept, admitted)| kept.record(admitted == Admitted::Renewed))
            .transpose()
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let plan = Plan::of(change);
        let outcome = self
            .whole(async move |shared: Arc<Shared<S>>| {
                let _lock = shared.lock(key).await;
                let Some((mut kept, now)) = shared.read(key).await? else {
                    return Ok(Outcome::Ended);
                };
                let outcome = kept.commit(plan, now)?;
                if matches!(outcome, Outcome::Applied { .. }) {
                    shared.save(key, &kept).await?;
                }
                Ok(outcome)
            })
            .await?;
        Ok(match outcome {
            Outcome::Ended => CommitOutcome::Ended,
            Outcome::Conflict(kept) => CommitOutcome::Conflict(Box::new(kept.record(false)?)),
            Outcome::Repeated(kept) => {
                let snapshot = change.data.is_some().then(|| kept.snapshot());
                CommitOutcome::Applied(snapshot.transpose()?)
            }
            Outcome::Applied { version, patch } => {
                let data = change.data.as_ref().zip(patch);
                CommitOutcome::Applied(
                    data.map(|(data, patch)| data.snapshot_after(&patch, version)),
                )
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.whole(async move |shared: Arc<Shared<S>>| {
            let _lock = shared.lock(key).await;
            let was_alive = shared.read(key).await?.is_some();
            if was_alive {
                shared.store.delete(&id(key)).await.map_err(of_write)?;
            }
            Ok(was_alive)
        })
        .await
    }

    /// What this store cannot tell.
    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable(
            "a store of tower-sessions cannot say how many sessions it has".into(),
        ))
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
