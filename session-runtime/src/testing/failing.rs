//! A store that fails when it is told to.

mod pause;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::pause::Gate;
pub use self::pause::Pause;
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord, Record};
use crate::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use crate::timestamp::Timestamp;

/// A store around another that fails, and waits, when its [`Faults`] say so.
///
/// ```
/// use connect_session::store::MemoryStore;
/// use connect_session::testing::FailingStore;
/// use connect_session::Untyped;
///
/// let store = FailingStore::new(MemoryStore::<Untyped>::new());
/// let faults = store.faults();
/// // … give the store to a layer, and then:
/// faults.fail_loads(true);  // every request answers 503
/// faults.clear();            // and the session is there as it was
/// assert_eq!(faults.commits(), 0, "nothing was written");
/// ```
#[derive(Clone)]
pub struct FailingStore<S> {
    store: S,
    faults: Faults,
}

/// What a [`FailingStore`] does wrong, and what was asked of it. A clone is the same.
#[derive(Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

/// What goes wrong with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// The store refuses: [`StoreError::Unavailable`], and nothing is written.
    Refused,
    /// The request is lost: [`StoreError::OutcomeUnknown`], and nothing is written.
    RequestLost,
    /// The reply is lost: [`StoreError::OutcomeUnknown`], and the change is applied.
    ReplyLost,
    /// The reply is lost, and something below sends the change once more: it is applied by the
    /// first, and what the second says is the answer.
    SentTwice,
}

#[derive(Default)]
struct Shared {
    loads: Verb,
    inserts: Verb,
    destroys: Verb,
    commits: AtomicU64,
    commit_fault: Mutex<Option<CommitFault>>,
    gate: Mutex<Option<Arc<Gate>>>,
}

#[derive(Default)]
struct Verb {
    calls: AtomicU64,
    fails: AtomicBool,
}

impl Verb {
    fn call(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the store was told to fail".into()));
        }
        Ok(())
    }
}

impl Faults {
    /// Whether loads answer [`StoreError::Unavailable`] from now on.
    pub fn fail_loads(&self, fail: bool) {
        self.shared.loads.fails.store(fail, Ordering::SeqCst);
    }

    /// Whether insertions answer [`StoreError::Unavailable`] from now on; nothing is written.
    pub fn fail_inserts(&self, fail: bool) {
        self.shared.inserts.fails.store(fail, Ordering::SeqCst);
    }

    /// Whether destructions answer [`StoreError::Unavailable`] from now on; nothing is removed.
    pub fn fail_destroys(&self, fail: bool) {
        self.shared.destroys.fails.store(fail, Ordering::SeqCst);
    }

    /// What goes wrong with every commit from now on; nothing if `None`.
    pub fn fail_commits(&self, fault: impl Into<Option<CommitFault>>) {
        *lock(&self.shared.commit_fault) = fault.into();
    }

    /// Ends every fault. A [`Pause`] goes on.
    pub fn clear(&self) {
        self.fail_loads(false);
        self.fail_inserts(false);
        self.fail_destroys(false);
        self.fail_commits(None);
    }

    /// Holds back, before anything of them is done, every commit that is made from now on, until
    /// the [`Pause`] is released or dropped. So a test can let something else happen between
    /// the moment at which a request begins to commit and that at which the store sees it.
    ///
    /// A second pause takes over from the first, whose commits still wait for it.
    pub fn pause_before_commit(&self) -> Pause {
        let (pause, gate) = Pause::new();
        *lock(&self.shared.gate) = Some(gate);
        pause
    }

    /// How many loads were asked for, failed ones included.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.shared.loads.calls.load(Ordering::SeqCst)
    }

    /// How many insertions were asked for, failed ones included.
    #[must_use]
    pub fn inserts(&self) -> u64 {
        self.shared.inserts.calls.load(Ordering::SeqCst)
    }

    /// How many destructions were asked for, failed ones included.
    #[must_use]
    pub fn destroys(&self) -> u64 {
        self.shared.destroys.calls.load(Ordering::SeqCst)
    }

    /// How many commits were asked for, failed and paused ones included.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::SeqCst)
    }

    /// Begins to count from nothing again.
    pub fn reset_counts(&self) {
        for verb in [
            &self.shared.loads,
            &self.shared.inserts,
            &self.shared.destroys,
        ] {
            verb.calls.store(0, Ordering::SeqCst);
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
    /// The store, which does nothing wrong as yet.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            faults: Faults::default(),
        }
    }

    /// What goes wrong, to be changed and asked at any time.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The store that does the work.
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

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.faults.shared.inserts.call()?;
        self.store.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        self.faults.shared.loads.call()?;
        self.store.load(key, request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let lost = || StoreError::OutcomeUnknown("the store was told to lose it".into());
        match self.faults.before_commit().await {
            None => {}
            Some(CommitFault::Refused) => {
                return Err(StoreError::Unavailable("the store was told to fail".into()));
            }
            Some(CommitFault::RequestLost) => return Err(lost()),
            Some(CommitFault::ReplyLost) => {
                self.store.commit(key, change).await?;
                return Err(lost());
            }
            Some(CommitFault::SentTwice) => {
                self.store.commit(key, change).await?;
            }
        }
        self.store.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.faults.shared.destroys.call()?;
        self.store.destroy(key).await
    }

    fn backend_id(&self) -> Option<String> {
        self.store.backend_id()
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

#[cfg(test)]
mod tests;
