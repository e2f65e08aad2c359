//! Runs a case.

use std::future::Future;
use std::time::Duration;

use super::fixture::Fixture;
use super::harness::Harness;
use crate::store::Store;
use crate::untyped::Untyped;

/// The time after which a case is considered to hang.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a case on a new store, in a runtime with four threads.
///
/// [`store_conformance!`](super::store_conformance) calls it for every case of
/// [`cases`](super::cases).
///
/// # Panics
/// If the store fails the case, or the case takes longer than two minutes.
pub fn run<S, Make, Made, Case, Run>(make: Make, case: Case)
where
    S: Store<Untyped>,
    Make: FnOnce() -> Made,
    Made: Future<Output = Harness<S>>,
    Case: FnOnce(Fixture<S>) -> Run,
    Run: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a tokio runtime");
    runtime.block_on(async {
        let harness = make().await;
        let done = tokio::time::timeout(TIMEOUT, case(Fixture::new(harness))).await;
        assert!(done.is_ok(), "the case did not finish within {TIMEOUT:?}");
    });
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::*;
    use crate::record::{Change, Key, LoadRequest, NewRecord};
    use crate::store::{
        CommitOutcome, InsertOutcome, LoadOutcome, MemoryStore, StoreError, SyncStore,
    };

    /// A store whose synchronous interface uses other records than the asynchronous one.
    struct Inconsistent([MemoryStore<Untyped>; 2]);

    impl Store<Untyped> for Inconsistent {
        fn as_sync(&self) -> Option<&dyn SyncStore<Untyped>> {
            self.0[1].as_sync()
        }

        async fn insert(
            &self,
            key: Key,
            record: &NewRecord<Untyped>,
        ) -> Result<InsertOutcome<Untyped>, StoreError> {
            Store::insert(&self.0[0], key, record).await
        }

        async fn load(
            &self,
            key: Key,
            request: &LoadRequest,
        ) -> Result<LoadOutcome<Untyped>, StoreError> {
            Store::load(&self.0[0], key, request).await
        }

        async fn commit(
            &self,
            key: Key,
            change: &Change<Untyped>,
        ) -> Result<CommitOutcome<Untyped>, StoreError> {
            Store::commit(&self.0[0], key, change).await
        }

        async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
            Store::destroy(&self.0[0], key).await
        }

        async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
            let [first, second] = &self.0;
            Ok(first.count(namespace).await? + second.count(namespace).await?)
        }
    }

    #[test]
    #[should_panic(expected = "the session was not found")]
    fn a_store_whose_interfaces_differ_fails() {
        let make =
            || async { Harness::new(Inconsistent([MemoryStore::new(), MemoryStore::new()])) };
        run(make, cases::a_load_returns_the_inserted_record);
    }
}
