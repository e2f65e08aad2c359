//! The environment of a case: a store, its clock, and helpers that call its operations.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::harness::Harness;
use crate::data::DataFormat;
use crate::record::{
    Change, CommitId, DataChange, IdentityChange, Key, Lifetime, LoadRequest, LoginChange,
    NewLogin, NewRecord, Record, Renewal, RevocationMark, Snapshot, SubjectKey, Transport,
};
use crate::sid::{SecretHash, SessionId, Sid};
use crate::store::{
    CommitOutcome, InsertOutcome, Inspect, Inspected, LiveCount, LoadOutcome, Store, StoreError,
    SubjectIndex, SyncStore,
};
use crate::testing::FakeClock;
use crate::untyped::Untyped;

/// The idle timeout of a session that [`Fixture::open`] inserts, in units.
pub(in crate::testing) const IDLE: f64 = 10.0;
/// Its absolute timeout, in units.
pub(in crate::testing) const ABSOLUTE: f64 = 25.0;

/// A store to test, with a namespace of its own.
pub struct Fixture<S> {
    pub(in crate::testing) store: Arc<S>,
    clock: Option<FakeClock>,
    unit: Duration,
    /// Whether the index is changed in other steps than the record.
    pub(in crate::testing) is_in_steps: bool,
    pub(in crate::testing) namespace: &'static str,
    /// The number of calls so far, which selects the interface of the next one.
    calls: Arc<AtomicUsize>,
}

/// An inserted session.
#[derive(Clone)]
pub(in crate::testing) struct Opened {
    pub(in crate::testing) key: Key,
    pub(in crate::testing) secret: SecretHash,
    pub(in crate::testing) snapshot: Snapshot<Untyped>,
}

impl<S> Clone for Fixture<S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            clock: self.clock.clone(),
            unit: self.unit,
            is_in_steps: self.is_in_steps,
            namespace: self.namespace,
            calls: self.calls.clone(),
        }
    }
}

impl<S> fmt::Debug for Fixture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl<S> Fixture<S> {
    pub(in crate::testing) fn units(&self, units: f64) -> Duration {
        self.unit.mul_f64(units)
    }

    pub(in crate::testing) fn lifetime(&self, idle: f64, absolute: f64) -> Lifetime {
        Lifetime::new(self.units(idle), self.units(absolute))
    }

    /// The fake clock, if the store uses one.
    pub(in crate::testing) fn fake_clock(&self) -> Option<&FakeClock> {
        self.clock.as_ref()
    }

    /// Advances the fake clock, or sleeps.
    pub(in crate::testing) async fn pass(&self, units: f64) {
        match &self.clock {
            Some(clock) => clock.advance(self.units(units)),
            None => tokio::time::sleep(self.units(units)).await,
        }
    }
}

impl<S: Store<Untyped>> Fixture<S> {
    pub(in crate::testing) fn new(harness: Harness<S>) -> Self {
        // Leaked, because a namespace is a `&'static str`.
        let namespace = format!("conformance-{}", Sid::mint().id());
        Self {
            store: harness.store,
            clock: harness.clock,
            unit: harness.unit,
            is_in_steps: harness.is_in_steps,
            namespace: namespace.leak(),
            calls: Arc::default(),
        }
    }

    /// The same store, with another namespace.
    pub(in crate::testing) fn elsewhere(&self) -> Self {
        self.within("elsewhere")
    }

    /// The same store, with another namespace for each name.
    pub(in crate::testing) fn within(&self, name: &str) -> Self {
        Self {
            namespace: format!("{}-{name}", self.namespace).leak(),
            ..self.clone()
        }
    }

    /// The synchronous interface, if the store has one, for half of the calls. Not for every second
    /// call: since cases alternate between operations, each would always use the same interface.
    fn as_sync(&self) -> Option<&dyn SyncStore<Untyped>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.as_sync().filter(|_| call.count_ones() % 2 == 1)
    }

    /// A new key and secret.
    pub(in crate::testing) fn mint(&self) -> (Key, SecretHash) {
        let sid = Sid::mint();
        let key = Key {
            namespace: self.namespace,
            id: sid.id(),
        };
        (key, sid.secret_hash())
    }

    pub(in crate::testing) fn new_record(
        &self,
        secret: SecretHash,
        data: &Value,
    ) -> NewRecord<Untyped> {
        NewRecord {
            secret,
            transport: Transport::Other,
            data: untyped(data),
            login: None,
            label: None,
            lifetime: self.lifetime(IDLE, ABSOLUTE),
            commit_id: CommitId::random(),
            first_use_timeout: None,
            max_size: 1 << 20,
            format: DataFormat::FIRST,
        }
    }

    pub(in crate::testing) async fn try_insert(
        &self,
        key: Key,
        record: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        match self.as_sync() {
            Some(store) => store.insert(key, record),
            None => self.store.insert(key, record).await,
        }
    }

    pub(in crate::testing) async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Untyped>,
    ) -> InsertOutcome<Untyped> {
        let inserted = self.try_insert(key, record).await;
        inserted.expect("insert failed")
    }

    pub(in crate::testing) async fn open_as(&self, record: NewRecord<Untyped>) -> Opened {
        let (key, _) = self.mint();
        match self.insert(key, &record).await {
            InsertOutcome::Done { snapshot, .. } => Opened {
                key,
                secret: record.secret,
                snapshot,
            },
            InsertOutcome::Exists => panic!("a record with this random id exists"),
            InsertOutcome::Refused(refusal) => panic!("the login was refused: {refusal:?}"),
        }
    }

    pub(in crate::testing) async fn open(&self, data: &Value) -> Opened {
        self.open_as(self.new_record(secret(), data)).await
    }

    pub(in crate::testing) async fn load_with(
        &self,
        key: Key,
        request: LoadRequest,
    ) -> Option<Record<Untyped>> {
        self.outcome_of(key, request).await.found()
    }

    pub(in crate::testing) async fn outcome_of(
        &self,
        key: Key,
        request: LoadRequest,
    ) -> LoadOutcome<Untyped> {
        let loaded = match self.as_sync() {
            Some(store) => store.load(key, &request),
            None => self.store.load(key, &request).await,
        };
        loaded.expect("load failed")
    }

    pub(in crate::testing) async fn load(
        &self,
        key: Key,
        secret: SecretHash,
    ) -> Option<Record<Untyped>> {
        self.load_with(key, request(secret)).await
    }

    /// Loads a session, which must be alive.
    pub(in crate::testing) async fn get(&self, session: &Opened) -> Record<Untyped> {
        let record = self.load(session.key, session.secret).await;
        record.expect("the session was not found")
    }

    pub(in crate::testing) async fn is_alive(&self, session: &Opened) -> bool {
        self.load(session.key, session.secret).await.is_some()
    }

    /// Loads a session with a renewal.
    pub(in crate::testing) async fn renew(
        &self,
        key: Key,
        presented: SecretHash,
        renewal: Renewal,
    ) -> Option<Record<Untyped>> {
        let renewal = Some(renewal);
        let request = LoadRequest {
            renewal,
            ..request(presented)
        };
        self.load_with(key, request).await
    }

    pub(in crate::testing) async fn try_commit(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        match self.as_sync() {
            Some(store) => store.commit(key, change),
            None => self.store.commit(key, change).await,
        }
    }

    pub(in crate::testing) async fn commit(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> CommitOutcome<Untyped> {
        let committed = self.try_commit(key, change).await;
        committed.expect("commit failed")
    }

    /// Commits a change, which must be applied.
    pub(in crate::testing) async fn apply(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> Option<Snapshot<Untyped>> {
        match self.commit(key, change).await {
            CommitOutcome::Applied { snapshot, .. } => snapshot,
            CommitOutcome::Conflict(_) => panic!("unexpected conflict"),
            CommitOutcome::Ended => panic!("the session has ended"),
            CommitOutcome::Refused(refusal) => panic!("the login was refused: {refusal:?}"),
        }
    }

    pub(in crate::testing) async fn try_destroy(&self, key: Key) -> Result<bool, StoreError> {
        match self.as_sync() {
            Some(store) => store.destroy(key),
            None => self.store.destroy(key).await,
        }
    }

    pub(in crate::testing) async fn destroy(&self, key: Key) -> bool {
        self.try_destroy(key).await.expect("destroy failed")
    }

    pub(in crate::testing) async fn count(&self) -> u64 {
        self.store
            .count(self.namespace)
            .await
            .expect("count failed")
    }
}

/// What a store that implements [`Inspect`] shows.
impl<S: Store<Untyped>> Fixture<S> {
    fn shown(&self) -> &dyn Inspect {
        let inspect = self.store.as_inspect();
        inspect.expect("`as_inspect` must return the store")
    }

    pub(in crate::testing) async fn inspect(&self, key: Key) -> Option<Inspected> {
        self.shown().inspect(key).await.expect("inspect failed")
    }

    pub(in crate::testing) async fn live_count(&self, at_most: u64) -> LiveCount {
        let count = self.shown().live_count(self.namespace, at_most).await;
        count.expect("live_count failed")
    }
}

/// The subjects of a store that is a [`SubjectIndex`].
impl<S: Store<Untyped>> Fixture<S> {
    pub(in crate::testing) fn index(&self) -> &dyn SubjectIndex {
        let index = self.store.as_subject_index();
        index.expect("`as_subject_index` must return the index")
    }

    pub(in crate::testing) fn subject(&self, subject: &str) -> SubjectKey {
        SubjectKey::new(self.namespace, subject)
    }

    /// Inserts a session with a login.
    pub(in crate::testing) async fn log_in(&self, subject: &str) -> Opened {
        self.open_as(self.logged_in(NewLogin::new(subject))).await
    }

    /// A new record with a login.
    pub(in crate::testing) fn logged_in(&self, login: NewLogin) -> NewRecord<Untyped> {
        NewRecord {
            login: Some(login),
            ..self.new_record(secret(), &Value::Object(serde_json::Map::default()))
        }
    }

    /// The ids of the sessions of a subject, which are listed and counted.
    pub(in crate::testing) async fn ids_of(&self, subject: &str) -> Vec<SessionId> {
        let key = self.subject(subject);
        let page = self
            .index()
            .list(key, None, 1_000)
            .await
            .expect("list failed");
        assert_eq!(page.next, None, "the list is complete");
        let count = self.index().count_of(key).await.expect("count failed");
        assert_eq!(count, page.sessions.len() as u64, "all are counted");
        page.sessions.iter().map(|session| session.id).collect()
    }

    /// The number of sessions of a subject, which may change meanwhile.
    pub(in crate::testing) async fn number_of(&self, subject: &str) -> u64 {
        let count = self.index().count_of(self.subject(subject)).await;
        count.expect("count failed")
    }

    pub(in crate::testing) async fn end_all(
        &self,
        subject: &str,
        except: Option<SessionId>,
    ) -> Vec<SessionId> {
        let ended = self.index().end_all(self.subject(subject), except).await;
        let mut ended = ended.expect("end_all failed");
        ended.sort_unstable();
        ended
    }

    pub(in crate::testing) async fn mark(&self, subject: &str) -> RevocationMark {
        let mark = self.index().revocation_mark(self.subject(subject)).await;
        mark.expect("revocation_mark failed")
    }
}

/// A load with the default touch interval and no renewal.
pub(in crate::testing) fn request(secret: SecretHash) -> LoadRequest {
    LoadRequest {
        secret,
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
        format: DataFormat::FIRST,
    }
}

/// The hash of a new secret.
pub(in crate::testing) fn secret() -> SecretHash {
    Sid::mint().secret_hash()
}

pub(in crate::testing) fn untyped(data: &Value) -> Arc<Untyped> {
    Arc::new(serde_json::from_value(data.clone()).expect("an object"))
}

/// The data as JSON, for readable assertion failures.
pub(in crate::testing) fn json(snapshot: &Snapshot<Untyped>) -> Value {
    serde_json::to_value(&*snapshot.data).expect("JSON")
}

/// An empty change, based on a loaded record.
pub(in crate::testing) fn change_of(record: &Record<Untyped>) -> Change<Untyped> {
    Change {
        commit_id: CommitId::random(),
        epoch: record.epoch,
        generation: record.generation,
        data: None,
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

/// A change of the data, based on a loaded record.
pub(in crate::testing) fn set(record: &Record<Untyped>, data: &Value) -> Change<Untyped> {
    Change {
        data: Some(DataChange {
            base: Some(record.snapshot.clone()),
            data: untyped(data),
            max_size: 1 << 20,
        }),
        ..change_of(record)
    }
}

/// A change of the secret, based on a loaded record.
pub(in crate::testing) fn rotate(record: &Record<Untyped>, secret: SecretHash) -> Change<Untyped> {
    Change {
        identity: Some(IdentityChange {
            secret,
            new_generation: false,
            login: LoginChange::Keep,
        }),
        ..change_of(record)
    }
}

/// A login, based on a loaded record.
pub(in crate::testing) fn login(
    record: &Record<Untyped>,
    secret: SecretHash,
    subject: &str,
) -> Change<Untyped> {
    login_as(record, secret, NewLogin::new(subject))
}

/// A login, based on a loaded record.
pub(in crate::testing) fn login_as(
    record: &Record<Untyped>,
    secret: SecretHash,
    login: NewLogin,
) -> Change<Untyped> {
    change_login(record, secret, true, LoginChange::Set(login))
}

/// A change of the login, based on a loaded record.
pub(in crate::testing) fn change_login(
    record: &Record<Untyped>,
    secret: SecretHash,
    new_generation: bool,
    login: LoginChange,
) -> Change<Untyped> {
    Change {
        identity: Some(IdentityChange {
            secret,
            new_generation,
            login,
        }),
        ..change_of(record)
    }
}
