//! A store that has a table of its own, which goes with it.

use std::future::Future;

use connect_session::SessionData;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadRequest, NewRecord, Record, Store, StoreError,
};

/// Does something when it is dropped: what has to be done even when a test fails.
pub struct AtLast(Option<Box<dyn FnOnce() + Send + Sync>>);

impl AtLast {
    /// Runs what is async in a thread and runtime of its own, because a drop cannot wait.
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

impl Drop for AtLast {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

/// A store, and what is to be done after it.
pub struct Owned<S> {
    pub store: S,
    #[allow(dead_code, reason = "it is there to be dropped")]
    pub at_last: AtLast,
}

impl<D: SessionData, S: Store<D>> Store<D> for Owned<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.store.check_ready().await
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
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
        Store::<D>::count(&self.store, namespace).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Store::<D>::sweep(&self.store, limit).await
    }

    fn now(&self) -> Timestamp {
        Store::<D>::now(&self.store)
    }
}
