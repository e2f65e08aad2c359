//! Tests of every fault and of the pause.

use serde_json::json;

use super::*;
use crate::store::MemoryStore;
use crate::testing::conformance::{Fixture, Harness, cases, run};
use crate::untyped::Untyped;

type Failing = FailingStore<MemoryStore<Untyped>>;

fn with_fixture<Run: Future<Output = ()>>(case: impl FnOnce(Fixture<Failing>, Faults) -> Run) {
    let store = FailingStore::new(MemoryStore::new());
    let faults = store.faults();
    run(
        || async { Harness::new(store) },
        |fixture| case(fixture, faults),
    );
}

#[test]
fn without_faults_every_operation_reaches_the_wrapped_store() {
    with_fixture(|fixture, faults| async move {
        cases::a_change_is_applied(fixture).await;
        assert!(faults.inserts() == 1 && faults.loads() == 3 && faults.commits() == 2);
    });
}

#[test]
fn injected_failures_are_returned_and_write_nothing() {
    with_fixture(|fixture, faults| async move {
        let opened = fixture.open(&json!({"a": 1})).await;
        let record = fixture.get(&opened).await;
        faults.fail_loads(true);
        faults.fail_inserts(true);
        faults.fail_destroys(true);
        faults.fail_commits(CommitFault::Refused);
        let request = crate::testing::conformance::request(opened.secret);
        assert!(fixture.store.load(opened.key, &request).await.is_err());
        let (key, secret) = fixture.mint();
        let new = fixture.new_record(secret, &json!({}));
        assert!(fixture.store.insert(key, &new).await.is_err());
        assert!(
            Store::<Untyped>::destroy(&*fixture.store, opened.key)
                .await
                .is_err()
        );
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        let refused = fixture.store.commit(opened.key, &change).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        faults.fail_commits(CommitFault::RequestLost);
        let lost = fixture.store.commit(opened.key, &change).await;
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown(_))));
        faults.clear();
        assert_eq!(
            fixture.get(&opened).await.snapshot.version,
            record.snapshot.version
        );
        assert_eq!(fixture.count().await, 1);
    });
}

#[test]
fn a_change_whose_reply_was_lost_is_applied_once() {
    with_fixture(|fixture, faults| async move {
        let opened = fixture.open(&json!({"a": 1})).await;
        let record = fixture.get(&opened).await;
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        faults.fail_commits(CommitFault::ReplyLost);
        let lost = fixture.store.commit(opened.key, &change).await;
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown(_))));
        let first = fixture.get(&opened).await.snapshot.version;
        assert_ne!(first, record.snapshot.version);
        faults.fail_commits(CommitFault::SentTwice);
        assert!(fixture.apply(opened.key, &change).await.is_some());
        assert_eq!(fixture.get(&opened).await.snapshot.version, first);
    });
}

#[test]
fn a_pause_holds_a_commit_until_it_is_released() {
    with_fixture(|fixture, faults| async move {
        let opened = fixture.open(&json!({"a": 1})).await;
        let record = fixture.get(&opened).await;
        let pause = faults.pause_before_commit();
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        let commit = {
            let (fixture, key) = (fixture.clone(), opened.key);
            tokio::spawn(async move { fixture.commit(key, &change).await })
        };
        pause.reached().await;
        assert!(fixture.destroy(opened.key).await);
        pause.release();
        let committed = commit.await.expect("the commit");
        assert!(matches!(committed, CommitOutcome::Ended), "{committed:?}");
    });
}
