//! Ends: a destroyed or expired session leaves nothing behind.

use serde_json::json;

use crate::record::{Change, NewRecord};
use crate::store::{CommitOutcome, InsertOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, secret, set};
use crate::untyped::Untyped;

/// The id of a destroyed or expired record can be inserted again; the new record has nothing of the
/// old one.
pub async fn the_id_of_an_ended_record_can_be_inserted_again<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let destroyed = fixture.open(&json!({"old": 1})).await;
    let expired = fixture.open(&json!({"old": 1})).await;
    let record = fixture.get(&destroyed).await;
    let change = Change {
        lifetime: Some(fixture.lifetime(20.0, 25.0)),
        ..fixture::login(&record, secret(), "ada")
    };
    fixture.apply(destroyed.key, &change).await;
    assert!(fixture.destroy(destroyed.key).await);
    fixture.pass(11.0).await;
    for old in [destroyed, expired] {
        let record = fixture.new_record(secret(), &json!({"new": 1}));
        assert!(matches!(
            fixture.insert(old.key, &record).await,
            InsertOutcome::Done { .. }
        ));
        assert!(!fixture.is_alive(&old).await, "the old secret is invalid");
        let loaded = fixture
            .load(old.key, record.secret)
            .await
            .expect("the session was not found");
        assert_eq!(fixture::json(&loaded.snapshot), json!({"new": 1}));
        assert_eq!(
            (loaded.epoch, loaded.generation, loaded.subject()),
            (0, 0, None)
        );
    }
    assert_eq!(fixture.count().await, 2);
}

/// The first destroy returns `true`, and every later one `false`.
pub async fn a_second_destroy_returns_false<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&opened).await;
    assert!(fixture.destroy(opened.key).await);
    assert!(!fixture.destroy(opened.key).await);
    assert!(!fixture.is_alive(&opened).await);
    let change = set(&record, &json!({"a": 2}));
    assert!(matches!(
        fixture.commit(opened.key, &change).await,
        CommitOutcome::Ended
    ));
    assert!(
        !fixture.is_alive(&opened).await,
        "a change must not recreate the session"
    );
    assert_eq!(fixture.count().await, 0);

    let expired = fixture.open(&json!({})).await;
    fixture.pass(11.0).await;
    assert!(
        !fixture.destroy(expired.key).await,
        "an expired session counts as none"
    );
}

/// An expired record is not counted.
pub async fn expired_sessions_are_not_counted<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (ended, alive) = open_ten_short_and_one_long(&fixture).await;
    assert_eq!(fixture.count().await, 11);
    fixture.pass(11.0).await;
    assert_eq!(fixture.count().await, 1);
    assert!(fixture.is_alive(&alive).await);
    for session in ended {
        assert!(!fixture.is_alive(&session).await);
    }
}

/// A sweep removes no living session, and not more than its limit.
pub async fn a_sweep_removes_only_expired_sessions<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (ended, alive) = open_ten_short_and_one_long(&fixture).await;
    assert!(
        fixture.store.sweep(100).await.is_ok(),
        "a sweep with nothing to remove"
    );
    assert_eq!(fixture.count().await, 11);
    fixture.pass(11.0).await;
    for limit in [0, 1, 3, 100, 100] {
        let swept = fixture.store.sweep(limit).await.expect("sweep failed");
        assert!(swept <= limit, "{swept} of {limit}");
    }
    assert_eq!(fixture.count().await, 1);
    assert!(fixture.is_alive(&alive).await);
    for session in ended {
        assert!(!fixture.is_alive(&session).await);
    }
}

/// Inserts ten sessions with an idle timeout of ten units, and one with a hundred.
async fn open_ten_short_and_one_long<S: Store<Untyped>>(
    fixture: &Fixture<S>,
) -> (Vec<Opened>, Opened) {
    let mut ended = Vec::new();
    for at in 0..10 {
        ended.push(fixture.open(&json!({"at": at})).await);
    }
    let record = NewRecord {
        lifetime: fixture.lifetime(100.0, 100.0),
        ..fixture.new_record(secret(), &json!({}))
    };
    (ended, fixture.open_as(record).await)
}
