//! Every fault, and the pause.

use serde_json::json;

use super::*;
use crate::store::MemoryStore;
use crate::testing::conformance::{Desk, UnderTest, cases, run};
use crate::untyped::Untyped;

type Failing = FailingStore<MemoryStore<Untyped>>;

fn on_a_desk<Run: Future<Output = ()>>(case: impl FnOnce(Desk<Failing>, Faults) -> Run) {
    let store = FailingStore::new(MemoryStore::new());
    let faults = store.faults();
    run(
        || async { UnderTest::new(store) },
        |desk| case(desk, faults),
    );
}

#[test]
fn without_a_fault_it_is_the_store_inside() {
    on_a_desk(|desk, faults| async move {
        cases::a_change_is_applied(desk).await;
        assert!(faults.inserts() == 1 && faults.loads() == 3 && faults.commits() == 2);
    });
}

#[test]
fn what_is_told_to_fail_fails_and_writes_nothing() {
    on_a_desk(|desk, faults| async move {
        let opened = desk.open(&json!({"a": 1})).await;
        let record = desk.get(&opened).await;
        faults.fail_loads(true);
        faults.fail_inserts(true);
        faults.fail_destroys(true);
        faults.fail_commits(CommitFault::Refused);
        let request = crate::testing::conformance::request(opened.secret);
        assert!(desk.store.load(opened.key, &request).await.is_err());
        let (key, secret) = desk.mint();
        let new = desk.new_record(secret, &json!({}));
        assert!(desk.store.insert(key, &new).await.is_err());
        assert!(
            Store::<Untyped>::destroy(&*desk.store, opened.key)
                .await
                .is_err()
        );
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        let refused = desk.store.commit(opened.key, &change).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        faults.fail_commits(CommitFault::RequestLost);
        let lost = desk.store.commit(opened.key, &change).await;
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown(_))));
        faults.heal();
        assert_eq!(
            desk.get(&opened).await.snapshot.version,
            record.snapshot.version
        );
        assert_eq!(desk.count().await, 1);
    });
}

#[test]
fn a_lost_reply_is_of_a_change_that_was_applied_once() {
    on_a_desk(|desk, faults| async move {
        let opened = desk.open(&json!({"a": 1})).await;
        let record = desk.get(&opened).await;
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        faults.fail_commits(CommitFault::ReplyLost);
        let lost = desk.store.commit(opened.key, &change).await;
        assert!(matches!(lost, Err(StoreError::OutcomeUnknown(_))));
        let first = desk.get(&opened).await.snapshot.version;
        assert_ne!(first, record.snapshot.version);
        faults.fail_commits(CommitFault::SentTwice);
        assert!(desk.apply(opened.key, &change).await.is_some());
        assert_eq!(desk.get(&opened).await.snapshot.version, first);
    });
}

#[test]
fn a_pause_holds_a_commit_until_it_is_released() {
    on_a_desk(|desk, faults| async move {
        let opened = desk.open(&json!({"a": 1})).await;
        let record = desk.get(&opened).await;
        let pause = faults.pause_before_commit();
        let change = crate::testing::conformance::set(&record, &json!({"a": 2}));
        let commit = {
            let (desk, key) = (desk.clone(), opened.key);
            tokio::spawn(async move { desk.commit(key, &change).await })
        };
        pause.reached().await;
        assert!(desk.destroy(opened.key).await);
        pause.release();
        let committed = commit.await.expect("the commit");
        assert!(matches!(committed, Committed::Gone), "{committed:?}");
    });
}
