//! A store with a table of its own, which is dropped with the store.

use std::future::Future;

use connect_session::SessionData;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Inspect, Key, LoadOutcome, LoadRequest, NewRecord, Store,
    StoreError, SubjectIndex,
};

/// Runs a closure when it is dropped, also after a failed test.
pub struct Cleanup(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Cleanup {
    /// Runs async work on a separate thread and runtime, because `drop` cannot await.
    pub fn block_on<F>(work: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()>,
    {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(work());
        };
        Self(Some(Box::new(move || {
            std::thread::spawn(run).join().unwrap();
        })))
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

/// A store, and the cleanup after it.
pub struct TempStore<S> {
    pub store: S,
    #[allow(dead_code, reason = "it is only dropped")]
    pub cleanup: Cleanup,
}

impl<D: SessionData, S: Store<D>> Store<D> for TempStore<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.store.check_ready().await
    }

    fn keeps_data_version(&self) -> bool {
        Store::<D>::keeps_data_version(&self.store)
    }

    fn supports_sealing(&self) -> bool {
        Store::<D>::supports_sealing(&self.store)
    }

    fn detects_reuse(&self) -> bool {
        Store::<D>::detects_reuse(&self.store)
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
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

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Store::<D>::as_subject_index(&self.store)
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        Store::<D>::as_inspect(&self.store)
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        Store::<D>::count(&self.store, namespace).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Store::<D>::sweep(&self.store, limit).await
    }

    fn now(&self) -> Timestamp {
        Store::<D>::now(&self.store)
    }
}
