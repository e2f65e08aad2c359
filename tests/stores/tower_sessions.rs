//! `TowerStore`: what it keeps in one process, and what it cannot keep in two.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitId, CommitOutcome, DataChange, IdentityChange, InsertOutcome, Key, Lifetime,
    LoadRequest, NewRecord, Record, SecretHash, Store, StoreError, SubjectChange, TowerStore,
    Transport,
};
use connect_session::testing::FakeClock;
use connect_session::testing::conformance::{Harness, cases, run, store_conformance};
use connect_session::{SessionData, SessionId, Untyped};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record as TowerRecord};
use tower_sessions_core::session_store::Result as TowerResult;
use tower_sessions_memory_store::MemoryStore;

/// A store as tower-sessions asks for one, by a clock that is moved by hand.
#[derive(Debug, Clone)]
struct Shelf {
    clock: FakeClock,
    records: Arc<Mutex<HashMap<Id, TowerRecord>>>,
}

impl Shelf {
    fn new(clock: FakeClock) -> Self {
        Self {
            clock,
            records: Arc::default(),
        }
    }
}

#[async_trait]
impl SessionStore for Shelf {
    async fn create(&self, record: &mut TowerRecord) -> TowerResult<()> {
        let mut records = self.records.lock().unwrap();
        while records.contains_key(&record.id) {
            record.id = Id::default();
        }
        records.insert(record.id, record.clone());
        Ok(())
    }

    async fn save(&self, record: &TowerRecord) -> TowerResult<()> {
        let mut records = self.records.lock().unwrap();
        records.insert(record.id, record.clone());
        Ok(())
    }

    async fn load(&self, id: &Id) -> TowerResult<Option<TowerRecord>> {
        let records = self.records.lock().unwrap();
        let is_alive = |record: &&TowerRecord| record.expiry_date > self.clock.now();
        Ok(records.get(id).filter(is_alive).cloned())
    }

    async fn delete(&self, id: &Id) -> TowerResult<()> {
        self.records.lock().unwrap().remove(id);
        Ok(())
    }
}

/// Counts what was inserted and is still there, which the adapter cannot.
struct Counted<S> {
    store: TowerStore<S>,
    keys: Mutex<HashSet<Key>>,
}

impl<S: SessionStore> Counted<S> {
    fn new(store: TowerStore<S>) -> Self {
        Self {
            store,
            keys: Mutex::default(),
        }
    }
}

fn tower_id(key: Key) -> Id {
    Id(i128::from_be_bytes(*key.id.as_bytes()))
}

impl<D: SessionData, S: SessionStore> Store<D> for Counted<S> {
    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.keys.lock().unwrap().insert(key);
        self.store.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        self.store.load(key, request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        self.store.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        Store::<D>::destroy(&self.store, key).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let mut keys = self.keys.lock().unwrap().clone();
        keys.retain(|key| key.namespace == namespace);
        let now = Store::<D>::now(&self.store).as_millis();
        let mut living = 0;
        for key in keys {
            // The store below may forget it up to a second later than it has ended.
            if let Some(record) = self.store.inner().load(&tower_id(key)).await.unwrap() {
                let kept = record.data["connect-session"].as_str().unwrap();
                let kept: Value = serde_json::from_str(kept).unwrap();
                let until = |name: &str| kept[name].as_u64().unwrap();
                let ends = until("idle_until").min(until("absolute_until"));
                living += u64::from(now < ends);
            }
        }
        Ok(living)
    }

    fn now(&self) -> Timestamp {
        Store::<D>::now(&self.store)
    }
}

store_conformance! {
    mod in_one_process, || async {
        let clock = FakeClock::new();
        let store = TowerStore::with_clock(Shelf::new(clock.clone()), clock.clone());
        Harness::new(Counted::new(store)).with_clock(clock)
    }
}

/// A store that somebody else wrote, by the clock of the system. The cases sleep, so all do at once.
#[test]
fn over_the_memory_store_of_tower_sessions() {
    macro_rules! at_once {
        ($($case:ident)*) => {
            std::thread::scope(|scope| {$(
                scope.spawn(|| {
                    let store = || TowerStore::new(MemoryStore::default());
                    run(|| async { Harness::new(Counted::new(store())) }, cases::$case);
                });
            )*});
        };
    }
    at_once! {
        what_is_inserted_is_loaded
        hostile_keys_are_plain_data
        a_living_record_is_never_replaced
        an_idle_session_ends
        reading_keeps_alive_until_the_absolute_deadline
        changing_keeps_alive_until_the_absolute_deadline
        touches_are_coalesced
        a_lifetime_outlives_changes_and_touches
        a_shorter_lifetime_ends_earlier
        a_life_beyond_all_time_is_a_life
        now_is_the_clock_of_the_deadlines
        an_offered_secret_is_promoted_by_its_use
        changes_of_one_field_all_count
        a_destroyed_session_never_comes_back
        one_rotation_lands
    }
}

/// Another process, seen in the moment between what it read and what it writes.
#[derive(Debug, Clone)]
struct Halfway {
    shelf: Shelf,
    arrived: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

#[async_trait]
impl SessionStore for Halfway {
    async fn save(&self, record: &TowerRecord) -> TowerResult<()> {
        self.arrived.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        self.shelf.save(record).await
    }

    async fn load(&self, id: &Id) -> TowerResult<Option<TowerRecord>> {
        self.shelf.load(id).await
    }

    async fn delete(&self, id: &Id) -> TowerResult<()> {
        self.shelf.delete(id).await
    }
}

/// Two processes on one store, and a session `{"a": 1, "b": 1}` that both know.
struct Two {
    clock: FakeClock,
    here: TowerStore<Shelf>,
    there: TowerStore<Halfway>,
    key: Key,
    record: Record<Untyped>,
}

const SECRET: SecretHash = SecretHash::from_bytes([1; 32]);
const OTHER_SECRET: SecretHash = SecretHash::from_bytes([2; 32]);

impl Two {
    async fn new() -> Self {
        let clock = FakeClock::new();
        let shelf = Shelf::new(clock.clone());
        let here = TowerStore::with_clock(shelf.clone(), clock.clone());
        let halfway = Halfway {
            shelf,
            arrived: Arc::new(Semaphore::new(0)),
            go: Arc::new(Semaphore::new(0)),
        };
        let key = Key {
            namespace: "two",
            id: SessionId::from_bytes([7; 16]),
        };
        let new = NewRecord {
            secret: SECRET,
            transport: Transport::Other,
            data: data(json!({"a": 1, "b": 1})),
            subject: None,
            lifetime: Lifetime::new(Duration::from_secs(600), Duration::from_secs(6_000)),
            commit_id: CommitId::from_bytes([0; 16]),
            max_size: 1_000,
        };
        here.insert(key, &new).await.unwrap();
        let record = here.load(key, &request(SECRET)).await.unwrap().unwrap();
        Self {
            there: TowerStore::with_clock(halfway, clock.clone()),
            clock,
            here,
            key,
            record,
        }
    }

    fn change(&self, number: u8, new: Value) -> Change<Untyped> {
        Change {
            commit_id: CommitId::from_bytes([number; 16]),
            epoch: self.record.epoch,
            generation: self.record.generation,
            data: Some(DataChange {
                base: Some(self.record.snapshot.clone()),
                data: data(new),
                max_size: 1_000,
            }),
            identity: None,
            lifetime: None,
        }
    }

    /// Does something here while a change is halfway through there; what was said there.
    async fn meanwhile(&self, here: impl Future<Output = ()>) -> CommitOutcome<Untyped> {
        let (there, key) = (self.there.clone(), self.key);
        let change = self.change(1, json!({"a": 2, "b": 1}));
        let task = tokio::spawn(async move { there.commit(key, &change).await.unwrap() });
        let halfway = self.there.inner();
        halfway.arrived.acquire().await.unwrap().forget();
        here.await;
        halfway.go.add_permits(1);
        task.await.unwrap()
    }

    async fn commit_here(&self, change: &Change<Untyped>) {
        let committed = self.here.commit(self.key, change).await.unwrap();
        assert!(
            matches!(committed, CommitOutcome::Applied(_)),
            "{committed:?}"
        );
    }

    async fn shown(&self, secret: SecretHash) -> Option<Value> {
        let record = self.here.load(self.key, &request(secret)).await.unwrap();
        record.map(|record: Record<Untyped>| serde_json::to_value(&*record.snapshot.data).unwrap())
    }
}

fn data(value: Value) -> Arc<Untyped> {
    Arc::new(serde_json::from_value(value).unwrap())
}

fn request(secret: SecretHash) -> LoadRequest {
    LoadRequest {
        secret,
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
    }
}

#[tokio::test]
async fn two_processes_lose_a_write() {
    let two = Two::new().await;
    let mine = two.change(2, json!({"a": 1, "b": 2}));
    let theirs = two.meanwhile(two.commit_here(&mine)).await;
    assert!(
        matches!(theirs, CommitOutcome::Applied(_)),
        "both were told so"
    );
    assert_eq!(two.shown(SECRET).await, Some(json!({"a": 2, "b": 1})));
}

#[tokio::test]
async fn two_processes_bring_a_destroyed_session_back() {
    let two = Two::new().await;
    let destroyed = async {
        assert!(Store::<Untyped>::destroy(&two.here, two.key).await.unwrap());
        assert_eq!(two.shown(SECRET).await, None);
    };
    two.meanwhile(destroyed).await;
    assert_eq!(two.shown(SECRET).await, Some(json!({"a": 2, "b": 1})));
}

#[tokio::test]
async fn two_processes_undo_a_login() {
    let two = Two::new().await;
    let login = Change {
        data: None,
        identity: Some(IdentityChange {
            secret: OTHER_SECRET,
            new_generation: true,
            subject: SubjectChange::Set("ada".into()),
        }),
        ..two.change(2, json!({}))
    };
    let logged_in = async {
        two.commit_here(&login).await;
        assert_eq!(two.shown(SECRET).await, None);
    };
    two.meanwhile(logged_in).await;
    assert!(
        two.shown(SECRET).await.is_some(),
        "the old sid is good again"
    );
    assert_eq!(two.shown(OTHER_SECRET).await, None);
}

#[tokio::test]
async fn a_request_that_only_reads_undoes_a_write_of_another_process() {
    let two = Two::new().await;
    two.clock.advance(Duration::from_secs(120));
    let (there, key) = (two.there.clone(), two.key);
    let reads = tokio::spawn(async move {
        let record: Option<Record<Untyped>> = there.load(key, &request(SECRET)).await.unwrap();
        assert!(record.is_some());
    });
    let halfway = two.there.inner();
    halfway.arrived.acquire().await.unwrap().forget();
    two.commit_here(&two.change(2, json!({"a": 1, "b": 2})))
        .await;
    halfway.go.add_permits(1);
    reads.await.unwrap();
    assert_eq!(two.shown(SECRET).await, Some(json!({"a": 1, "b": 1})));
}

#[tokio::test]
async fn it_cannot_count() {
    let two = Two::new().await;
    let count = Store::<Untyped>::count(&two.here, "two").await;
    assert!(
        matches!(count, Err(StoreError::Unavailable(_))),
        "{count:?}"
    );
}

/// A record that tower-sessions itself wrote, or somebody who changed ours, is an error, and is
/// left as it is.
#[tokio::test]
async fn a_foreign_record_is_no_empty_session() {
    let two = Two::new().await;
    let id = tower_id(two.key);
    let ours = two.here.inner().load(&id).await.unwrap().unwrap();
    let ours_cut = ours.data["connect-session"].as_str().unwrap()[..40].to_owned();
    let foreign = [
        HashMap::new(),
        HashMap::from([("user".to_owned(), json!("ada"))]),
        HashMap::from([("connect-session".to_owned(), json!(ours_cut))]),
        HashMap::from([("connect-session".to_owned(), json!(7))]),
    ];
    for data in foreign {
        let record = TowerRecord {
            data,
            ..ours.clone()
        };
        two.here.inner().save(&record).await.unwrap();
        let loaded = Store::<Untyped>::load(&two.here, two.key, &request(SECRET)).await;
        assert!(matches!(loaded, Err(StoreError::Undecodable { .. })));
        let change = two.change(2, json!({}));
        let committed = two.here.commit(two.key, &change).await;
        assert!(matches!(committed, Err(StoreError::Undecodable { .. })));
        let text = format!("{:?}", committed.unwrap_err());
        assert!(!text.contains("ada"), "{text}");
        let after = two.here.inner().load(&id).await.unwrap();
        assert_eq!(after, Some(record));
    }
}
