//! A store with fault injection.

mod pause;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::pause::Gate;
pub use self::pause::Pause;
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord, RevocationMark, SubjectKey};
use crate::sid::SessionId;
use crate::store::{
    BoxFuture, CommitOutcome, InsertOutcome, Inspect, ListCursor, ListPage, LoadOutcome, Store,
    StoreError, SubjectIndex,
};
use crate::timestamp::Timestamp;

/// A wrapper around a store, whose operations fail or wait as its [`Faults`] say.
///
/// ```
/// use connect_session::store::MemoryStore;
/// use connect_session::testing::FailingStore;
/// use connect_session::Untyped;
///
/// let store = FailingStore::new(MemoryStore::<Untyped>::new());
/// let faults = store.faults();
/// // … give the store to a layer, and then:
/// faults.fail_loads(true); // requests that load a session get a 503
/// faults.clear(); // requests get the unchanged session again
/// assert_eq!(faults.commits(), 0, "nothing was written");
/// ```
#[derive(Clone)]
pub struct FailingStore<S> {
    store: S,
    faults: Faults,
    is_of_another_process: bool,
}

/// The faults of a [`FailingStore`], and the number of calls of its operations. A clone refers to the
/// same store.
#[derive(Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

/// The way in which a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// The store refuses the change: [`StoreError::Unavailable`], and nothing is written.
    Refused,
    /// The request is lost: [`StoreError::OutcomeUnknown`], and nothing is written.
    RequestLost,
    /// The reply is lost: [`StoreError::OutcomeUnknown`], and the change is applied.
    ReplyLost,
    /// The change is sent twice, as by a driver that retries after a lost reply. The commit returns
    /// the result of the second call.
    SentTwice,
}

#[derive(Default)]
struct Shared {
    loads: Operation,
    inserts: Operation,
    destroys: Operation,
    commits: AtomicU64,
    commit_fault: Mutex<Option<CommitFault>>,
    gate: Mutex<Option<Arc<Gate>>>,
}

#[derive(Default)]
struct Operation {
    calls: AtomicU64,
    fails: AtomicBool,
}

impl Operation {
    fn call(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable(
                "this failure is injected by a test".into(),
            ));
        }
        Ok(())
    }
}

impl Faults {
    /// Sets whether loads fail with [`StoreError::Unavailable`].
    pub fn fail_loads(&self, fail: bool) {
        self.shared.loads.fails.store(fail, Ordering::SeqCst);
    }

    /// Sets whether inserts fail with [`StoreError::Unavailable`], without writing anything.
    pub fn fail_inserts(&self, fail: bool) {
        self.shared.inserts.fails.store(fail, Ordering::SeqCst);
    }

    /// Sets whether destroys fail with [`StoreError::Unavailable`], without removing anything.
    pub fn fail_destroys(&self, fail: bool) {
        self.shared.destroys.fails.store(fail, Ordering::SeqCst);
    }

    /// Sets how commits fail; `None` lets them succeed.
    pub fn fail_commits(&self, fault: impl Into<Option<CommitFault>>) {
        *lock(&self.shared.commit_fault) = fault.into();
    }

    /// Sets whether every operation fails, as if the store could not be reached: requests with a session get
    /// a 503, and nothing is written. The index of a user's sessions has no faults.
    ///
    /// ```
    /// use connect_session::testing::Faults;
    ///
    /// let faults = Faults::default();
    /// faults.fail_all(true);
    /// faults.fail_all(false); // the same as `clear`
    /// ```
    pub fn fail_all(&self, fail: bool) {
        self.fail_loads(fail);
        self.fail_inserts(fail);
        self.fail_destroys(fail);
        self.fail_commits(fail.then_some(CommitFault::Refused));
    }

    /// Removes every fault. A [`Pause`] stays in effect.
    pub fn clear(&self) {
        self.fail_loads(false);
        self.fail_inserts(false);
        self.fail_destroys(false);
        self.fail_commits(None);
    }

    /// Holds back every later commit until the [`Pause`] is released or dropped. So a test can run
    /// something else after a request has started its commit and before the store receives it.
    ///
    /// A second pause replaces the first for later commits. Those that wait for the first one keep
    /// waiting for it.
    pub fn pause_before_commit(&self) -> Pause {
        let (pause, gate) = Pause::new();
        *lock(&self.shared.gate) = Some(gate);
        pause
    }

    /// The number of loads, including failed ones.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.shared.loads.calls.load(Ordering::SeqCst)
    }

    /// The number of inserts, including failed ones.
    #[must_use]
    pub fn inserts(&self) -> u64 {
        self.shared.inserts.calls.load(Ordering::SeqCst)
    }

    /// The number of destroys, including failed ones.
    #[must_use]
    pub fn destroys(&self) -> u64 {
        self.shared.destroys.calls.load(Ordering::SeqCst)
    }

    /// The number of commits, including failed and paused ones.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::SeqCst)
    }

    /// Resets the number of calls of every operation to zero.
    pub fn reset_counts(&self) {
        for operation in [
            &self.shared.loads,
            &self.shared.inserts,
            &self.shared.destroys,
        ] {
            operation.calls.store(0, Ordering::SeqCst);
        }
        self.shared.commits.store(0, Ordering::SeqCst);
    }

    async fn before_commit(&self) -> Option<CommitFault> {
        self.shared.commits.fetch_add(1, Ordering::SeqCst);
        let gate = lock(&self.shared.gate).clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        *lock(&self.shared.commit_fault)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("loads", &self.loads())
            .field("inserts", &self.inserts())
            .field("commits", &self.commits())
            .field("destroys", &self.destroys())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> FailingStore<S> {
    /// Wraps a store, without any fault.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            faults: Faults::default(),
            is_of_another_process: false,
        }
    }

    /// The faults, which can be changed at any time, and the numbers of calls.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Treats the store as that of another process: two configs with one namespace, such as two versions
    /// of a config during a deployment, can use it.
    #[must_use]
    pub fn of_another_process(mut self) -> Self {
        self.is_of_another_process = true;
        self
    }

    /// The wrapped store.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.store
    }
}

impl<S> fmt::Debug for FailingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingStore")
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<D: SessionData, S: Store<D>> Store<D> for FailingStore<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.store.check_ready().await
    }

    fn is_serializing(&self) -> bool {
        self.store.is_serializing()
    }

    fn keeps_data_version(&self) -> bool {
        self.store.keeps_data_version()
    }

    fn supports_sealing(&self) -> bool {
        self.store.supports_sealing()
    }

    fn detects_reuse(&self) -> bool {
        self.store.detects_reuse()
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        self.store.as_subject_index()
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        self.store.as_inspect()
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.faults.shared.inserts.call()?;
        self.store.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        self.faults.shared.loads.call()?;
        self.store.load(key, request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let commit = || self.store.commit(key, change);
        let lost = || StoreError::OutcomeUnknown("this loss is injected by a test".into());
        match self.faults.before_commit().await {
            None => {}
            Some(CommitFault::Refused) => {
                return Err(StoreError::Unavailable(
                    "this failure is injected by a test".into(),
                ));
            }
            Some(CommitFault::RequestLost) => return Err(lost()),
            Some(CommitFault::ReplyLost) => {
                commit().await?;
                return Err(lost());
            }
            Some(CommitFault::SentTwice) => {
                commit().await?;
            }
        }
        commit().await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.faults.shared.destroys.call()?;
        self.store.destroy(key).await
    }

    fn backend_id(&self) -> Option<String> {
        (self.store)
            .backend_id()
            .filter(|_| !self.is_of_another_process)
    }

    fn max_session_size(&self) -> Option<u64> {
        self.store.max_session_size()
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.store.count(namespace).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }
}

/// The index of the wrapped store, without faults.
#[diagnostic::do_not_recommend]
impl<S: SubjectIndex> SubjectIndex for FailingStore<S> {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        self.store.revocation_mark(subject)
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        self.store.list(subject, after, limit)
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.count_of(subject)
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.end(subject, id)
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        self.store.end_all(subject, except)
    }
}

#[cfg(test)]
mod tests;
