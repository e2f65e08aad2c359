//! `TowerStore`: its guarantees in one process, and their limits with two processes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitId, CommitOutcome, DataChange, DataFormat, IdentityChange, InsertOutcome, Key,
    Lifetime, LoadOutcome, LoadRequest, LoginChange, NewLogin, NewRecord, Record, SecretHash,
    Store, StoreError, TowerStore, Transport,
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

/// An implementation of tower-sessions' trait, with a fake clock.
#[derive(Debug, Clone)]
struct FakeTowerStore {
    clock: FakeClock,
    records: Arc<Mutex<HashMap<Id, TowerRecord>>>,
}

impl FakeTowerStore {
    fn new(clock: FakeClock) -> Self {
        Self {
            clock,
            records: Arc::default(),
        }
    }
}

#[async_trait]
impl SessionStore for FakeTowerStore {
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

/// Counts the live records, which the adapter cannot do.
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
    fn detects_reuse(&self) -> bool {
        Store::<D>::detects_reuse(&self.store)
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.keys.lock().unwrap().insert(key);
        self.store.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
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
            // The underlying store may keep a record for up to a second after its end.
            if let Some(record) = self.store.inner().load(&tower_id(key)).await.unwrap() {
                let stored = record.data["connect-session"].as_str().unwrap();
                let stored: Value = serde_json::from_str(stored).unwrap();
                let until = |name: &str| stored[name].as_u64().unwrap();
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
        let store = TowerStore::with_clock(FakeTowerStore::new(clock.clone()), clock.clone());
        Harness::new(Counted::new(store)).with_clock(clock)
    }
}

/// A third-party store with the system clock. The cases sleep, so they run concurrently.
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
        a_load_returns_the_inserted_record
        hostile_keys_are_plain_data
        a_live_record_is_never_replaced
        an_idle_session_ends
        loads_extend_a_session_until_its_absolute_deadline
        changes_extend_a_session_until_its_absolute_deadline
        touches_are_coalesced
        a_lifetime_outlives_changes_and_touches
        a_shorter_lifetime_ends_earlier
        a_lifetime_of_a_century_is_valid
        now_is_the_clock_of_the_deadlines
        an_offered_secret_is_promoted_by_its_use
        concurrent_changes_of_one_field_all_count
        a_destroyed_session_never_comes_back
        one_of_several_concurrent_rotations_is_applied
    }
}

/// Another process, paused between its read and its write.
#[derive(Debug, Clone)]
struct PausingStore {
    inner: FakeTowerStore,
    arrived: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

#[async_trait]
impl SessionStore for PausingStore {
    async fn save(&self, record: &TowerRecord) -> TowerResult<()> {
        self.arrived.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        self.inner.save(record).await
    }

    async fn load(&self, id: &Id) -> TowerResult<Option<TowerRecord>> {
        self.inner.load(id).await
    }

    async fn delete(&self, id: &Id) -> TowerResult<()> {
        self.inner.delete(id).await
    }
}

/// Two processes on one store, with a session `{"a": 1, "b": 1}` that both have loaded.
struct TwoProcesses {
    clock: FakeClock,
    here: TowerStore<FakeTowerStore>,
    there: TowerStore<PausingStore>,
    key: Key,
    record: Record<Untyped>,
}

const SECRET: SecretHash = SecretHash::from_bytes([1; 32]);
const OTHER_SECRET: SecretHash = SecretHash::from_bytes([2; 32]);

impl TwoProcesses {
    async fn new() -> Self {
        let clock = FakeClock::new();
        let inner = FakeTowerStore::new(clock.clone());
        let here = TowerStore::with_clock(inner.clone(), clock.clone());
        let pausing = PausingStore {
            inner,
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
            login: None,
            label: None,
            lifetime: Lifetime::new(Duration::from_secs(600), Duration::from_secs(6_000)),
            commit_id: CommitId::from_bytes([0; 16]),
            first_use_timeout: None,
            max_size: 1_000,
            format: DataFormat::FIRST,
        };
        here.insert(key, &new).await.unwrap();
        let record = here
            .load(key, &request(SECRET))
            .await
            .unwrap()
            .found()
            .unwrap();
        Self {
            there: TowerStore::with_clock(pausing, clock.clone()),
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
            label: None,
            format: DataFormat::FIRST,
        }
    }

    /// Runs `here` while a commit is paused in the other process; returns the outcome of that
    /// commit.
    async fn commit_there_during(&self, here: impl Future<Output = ()>) -> CommitOutcome<Untyped> {
        let (there, key) = (self.there.clone(), self.key);
        let change = self.change(1, json!({"a": 2, "b": 1}));
        let task = tokio::spawn(async move { there.commit(key, &change).await.unwrap() });
        let pausing = self.there.inner();
        pausing.arrived.acquire().await.unwrap().forget();
        here.await;
        pausing.go.add_permits(1);
        task.await.unwrap()
    }

    async fn commit_here(&self, change: &Change<Untyped>) {
        let committed = self.here.commit(self.key, change).await.unwrap();
        assert!(
            matches!(committed, CommitOutcome::Applied { .. }),
            "{committed:?}"
        );
    }

    async fn data_here(&self, secret: SecretHash) -> Option<Value> {
        let record = self.here.load(self.key, &request(secret)).await.unwrap();
        record
            .found()
            .map(|record: Record<Untyped>| serde_json::to_value(&*record.snapshot.data).unwrap())
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
        format: DataFormat::FIRST,
    }
}

#[tokio::test]
async fn two_processes_lose_a_write() {
    let two = TwoProcesses::new().await;
    let mine = two.change(2, json!({"a": 1, "b": 2}));
    let theirs = two.commit_there_during(two.commit_here(&mine)).await;
    assert!(
        matches!(theirs, CommitOutcome::Applied { .. }),
        "the overwritten commit was not confirmed"
    );
    assert_eq!(two.data_here(SECRET).await, Some(json!({"a": 2, "b": 1})));
}

#[tokio::test]
async fn two_processes_revive_a_destroyed_session() {
    let two = TwoProcesses::new().await;
    let destroyed = async {
        assert!(Store::<Untyped>::destroy(&two.here, two.key).await.unwrap());
        assert_eq!(two.data_here(SECRET).await, None);
    };
    two.commit_there_during(destroyed).await;
    assert_eq!(two.data_here(SECRET).await, Some(json!({"a": 2, "b": 1})));
}

#[tokio::test]
async fn two_processes_undo_a_login() {
    let two = TwoProcesses::new().await;
    let login = Change {
        data: None,
        identity: Some(IdentityChange {
            secret: OTHER_SECRET,
            new_generation: true,
            login: LoginChange::Set(NewLogin::new("ada")),
        }),
        ..two.change(2, json!({}))
    };
    let logged_in = async {
        two.commit_here(&login).await;
        assert_eq!(two.data_here(SECRET).await, None);
    };
    two.commit_there_during(logged_in).await;
    assert!(
        two.data_here(SECRET).await.is_some(),
        "the old sid is invalid"
    );
    assert_eq!(two.data_here(OTHER_SECRET).await, None);
}

#[tokio::test]
async fn a_read_only_request_undoes_a_write_of_another_process() {
    let two = TwoProcesses::new().await;
    two.clock.advance(Duration::from_secs(120));
    let (there, key) = (two.there.clone(), two.key);
    let reads = tokio::spawn(async move {
        let loaded: LoadOutcome<Untyped> = there.load(key, &request(SECRET)).await.unwrap();
        assert!(loaded.found().is_some());
    });
    let pausing = two.there.inner();
    pausing.arrived.acquire().await.unwrap().forget();
    two.commit_here(&two.change(2, json!({"a": 1, "b": 2})))
        .await;
    pausing.go.add_permits(1);
    reads.await.unwrap();
    assert_eq!(two.data_here(SECRET).await, Some(json!({"a": 1, "b": 1})));
}

#[tokio::test]
async fn counting_is_not_supported() {
    let two = TwoProcesses::new().await;
    let count = Store::<Untyped>::count(&two.here, "two").await;
    assert!(
        matches!(count, Err(StoreError::Unavailable(_))),
        "{count:?}"
    );
}

/// A record that another program wrote or changed is an error, and is left unchanged.
#[tokio::test]
async fn foreign_records_are_rejected() {
    let two = TwoProcesses::new().await;
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
