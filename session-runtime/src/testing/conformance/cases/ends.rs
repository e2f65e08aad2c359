//! Ends: of a session that was destroyed or has expired, nothing is left.

use serde_json::json;

use crate::record::{Change, NewRecord};
use crate::store::{Committed, Inserted, Store};
use crate::testing::conformance::Desk;
use crate::testing::conformance::desk::{self, Opened, secret, set};
use crate::untyped::Untyped;

/// Where a record was destroyed or has expired, another can be inserted, and has nothing of it.
pub async fn an_ended_record_gives_its_id_free<S: Store<Untyped>>(desk: Desk<S>) {
    let destroyed = desk.open(&json!({"old": 1})).await;
    let expired = desk.open(&json!({"old": 1})).await;
    let record = desk.get(&destroyed).await;
    let change = Change {
        lifetime: Some(desk.lifetime(20.0, 25.0)),
        ..desk::login(&record, secret(), "somebody")
    };
    desk.apply(destroyed.key, &change).await;
    assert!(desk.destroy(destroyed.key).await);
    desk.pass(11.0).await;
    for old in [destroyed, expired] {
        let record = desk.new_record(secret(), &json!({"new": 1}));
        assert!(matches!(
            desk.insert(old.key, &record).await,
            Inserted::Done { .. }
        ));
        assert!(!desk.is_alive(&old).await, "the old secret is dead");
        let loaded = desk.load(old.key, record.secret).await.expect("alive");
        assert_eq!(desk::json(&loaded.snapshot), json!({"new": 1}));
        assert_eq!(
            (loaded.epoch, loaded.generation, loaded.subject),
            (0, 0, None)
        );
    }
    assert_eq!(desk.count().await, 2);
}

/// The first destruction says that there was a session, and every later one that there was none.
pub async fn destroying_twice_is_no_error<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    let record = desk.get(&opened).await;
    assert!(desk.destroy(opened.key).await);
    assert!(!desk.destroy(opened.key).await);
    assert!(!desk.is_alive(&opened).await);
    let change = set(&record, &json!({"a": 2}));
    assert!(matches!(
        desk.commit(opened.key, &change).await,
        Committed::Gone
    ));
    assert!(!desk.is_alive(&opened).await, "the change brought it back");
    assert_eq!(desk.count().await, 0);

    let expired = desk.open(&json!({})).await;
    desk.pass(11.0).await;
    assert!(!desk.destroy(expired.key).await, "there was no living one");
}

/// An expired record is not counted, from the moment at which it expires.
pub async fn what_has_ended_is_not_counted<S: Store<Untyped>>(desk: Desk<S>) {
    let (ended, alive) = ten_that_end_and_one(&desk).await;
    assert_eq!(desk.count().await, 11);
    desk.pass(11.0).await;
    assert_eq!(desk.count().await, 1);
    assert!(desk.is_alive(&alive).await);
    for session in ended {
        assert!(!desk.is_alive(&session).await);
    }
}

/// A sweep takes none that lives, and no more than it may.
pub async fn a_sweep_takes_only_what_has_ended<S: Store<Untyped>>(desk: Desk<S>) {
    let (ended, alive) = ten_that_end_and_one(&desk).await;
    assert!(desk.store.sweep(100).await.is_ok(), "nothing has ended yet");
    assert_eq!(desk.count().await, 11);
    desk.pass(11.0).await;
    for limit in [0, 1, 3, 100, 100] {
        let swept = desk.store.sweep(limit).await.expect("a sweep");
        assert!(swept <= limit, "{swept} of {limit}");
    }
    assert_eq!(desk.count().await, 1);
    assert!(desk.is_alive(&alive).await);
    for session in ended {
        assert!(!desk.is_alive(&session).await);
    }
}

/// Ten sessions that idle for ten units, and one that may for a hundred.
async fn ten_that_end_and_one<S: Store<Untyped>>(desk: &Desk<S>) -> (Vec<Opened>, Opened) {
    let mut ended = Vec::new();
    for at in 0..10 {
        ended.push(desk.open(&json!({"at": at})).await);
    }
    let record = NewRecord {
        lifetime: desk.lifetime(100.0, 100.0),
        ..desk.new_record(secret(), &json!({}))
    };
    (ended, desk.open_as(record).await)
}
