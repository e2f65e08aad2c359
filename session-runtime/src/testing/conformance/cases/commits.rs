//! Changes: applied wholly or not at all, once, and never to what is not there.

use serde_json::json;

use crate::record::{Change, DataChange};
use crate::store::{Committed, Store};
use crate::testing::conformance::Desk;
use crate::testing::conformance::desk::{self, Opened, change_of, rotate, secret, set, untyped};
use crate::untyped::Untyped;

/// A change of fields is there afterwards; the next one can be based on what it answered.
pub async fn a_change_is_applied<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk
        .open(&json!({"same": 1, "changed": 1, "removed": 1}))
        .await;
    let record = desk.get(&opened).await;
    let data = json!({"same": 1, "changed": 2, "added": {"a": [null]}});
    let change = set(&record, &data);
    let snapshot = desk
        .apply(opened.key, &change)
        .await
        .expect("the data changed");
    assert_eq!(desk::json(&snapshot), data, "as the commit gives it back");
    assert_ne!(snapshot.version, record.snapshot.version);
    let mut record = desk.get(&opened).await;
    assert_eq!(desk::json(&record.snapshot), data);
    assert_eq!(record.snapshot.version, snapshot.version);
    assert_eq!(record.commit_id, change.commit_id);
    assert_eq!((record.epoch, record.generation), (0, 0));
    record.snapshot = snapshot;
    desk.apply(opened.key, &set(&record, &json!({"changed": 3})))
        .await;
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"changed": 3})
    );
}

/// The first change can be based on what the insertion answered.
pub async fn a_new_session_is_changed_without_a_load<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    let change = Change {
        commit_id: crate::record::CommitId::mint(),
        epoch: 0,
        generation: 0,
        data: Some(DataChange {
            base: Some(opened.snapshot.clone()),
            data: untyped(&json!({"a": 2})),
            max_size: 1_000,
        }),
        identity: None,
        lifetime: None,
    };
    desk.apply(opened.key, &change).await;
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"a": 2})
    );
}

/// A change without data answers none, and leaves the data as they are.
pub async fn a_change_without_data_leaves_the_data<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    let record = desk.get(&opened).await;
    let change = Change {
        lifetime: Some(desk.lifetime(20.0, 30.0)),
        ..change_of(&record)
    };
    assert!(desk.apply(opened.key, &change).await.is_none());
    assert!(desk.apply(opened.key, &change_of(&record)).await.is_none());
    let after = desk.get(&opened).await;
    assert_eq!(desk::json(&after.snapshot), json!({"a": 1}));
    // What was loaded before is no less good to base a change on.
    desk.apply(opened.key, &set(&record, &json!({"a": 2})))
        .await;
}

/// A change whose id the record carries already is applied, and is not applied again. Only the
/// last id is kept: once another change came between, it is a conflict.
pub async fn a_change_is_applied_once<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    let change = set(&desk.get(&opened).await, &json!({"a": 2}));
    desk.apply(opened.key, &change).await;
    let first = desk.get(&opened).await;
    let again = desk
        .apply(opened.key, &change)
        .await
        .expect("the data changed");
    let second = desk.get(&opened).await;
    assert_eq!(again.version, first.snapshot.version);
    assert_eq!(second.snapshot.version, first.snapshot.version);

    desk.apply(opened.key, &set(&second, &json!({"a": 3})))
        .await;
    let late = desk.commit(opened.key, &change).await;
    assert!(matches!(late, Committed::Conflict(_)), "{late:?}");
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"a": 3})
    );
}

/// A repeated change is known by its id before anything else of it is looked at.
pub async fn a_repeated_rotation_is_applied_once<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({})).await;
    let new = secret();
    let change = desk::login(&desk.get(&opened).await, new, "somebody");
    desk.apply(opened.key, &change).await;
    desk.apply(opened.key, &change).await;
    let record = desk.load(opened.key, new).await.expect("alive");
    assert_eq!((record.epoch, record.generation), (1, 1));
}

/// A change of a field that is no longer as it was loaded is a conflict, which shows the record
/// as it is. Nothing of the change is written: no other field, no secret, no lifetime.
pub async fn a_stale_change_writes_nothing<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1, "b": 1, "gone": 1})).await;
    let stale = desk.get(&opened).await;
    let theirs = set(&stale, &json!({"a": 2, "b": 1, "new": 1}));
    desk.apply(opened.key, &theirs).await;
    let now = desk.get(&opened).await;
    for mine in [
        json!({"a": 9, "b": 9, "gone": 1, "c": 9}),
        json!({"b": 9, "gone": 1}),
        json!({"a": 1, "b": 9, "gone": 9}),
        json!({"a": 1, "b": 9, "gone": 1, "new": 9}),
    ] {
        let new = secret();
        let change = Change {
            identity: rotate(&stale, new).identity,
            lifetime: Some(desk.lifetime(20.0, 30.0)),
            ..set(&stale, &mine)
        };
        match desk.commit(opened.key, &change).await {
            Committed::Conflict(record) => {
                assert_eq!(desk::json(&record.snapshot), desk::json(&now.snapshot));
                assert_eq!(record.commit_id, theirs.commit_id);
            }
            other => panic!("{mine}: {other:?}"),
        }
        let after = desk.get(&opened).await;
        assert_eq!(
            desk::json(&after.snapshot),
            desk::json(&now.snapshot),
            "{mine}"
        );
        assert_eq!(after.snapshot.version, now.snapshot.version);
        assert_eq!(after.epoch, 0);
        assert_eq!(after.deadlines.absolute_until, now.deadlines.absolute_until);
        assert!(desk.load(opened.key, new).await.is_none());
    }
}

/// A change can be based on what a conflict showed.
pub async fn a_conflict_shows_what_to_go_on_from<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    let stale = desk.get(&opened).await;
    desk.apply(opened.key, &set(&stale, &json!({"a": 2}))).await;
    let Committed::Conflict(shown) = desk
        .commit(opened.key, &set(&stale, &json!({"a": 3})))
        .await
    else {
        panic!("no conflict");
    };
    assert!(
        desk.apply(opened.key, &set(&shown, &json!({"a": 3})))
            .await
            .is_some()
    );
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"a": 3})
    );
}

/// Changes of different fields both land: a store of fields has no conflict, and a store of live
/// values one that shows the record as it is.
pub async fn different_fields_both_land<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1, "b": 1, "c": 1})).await;
    let loaded = desk.get(&opened).await;
    let mut mine = set(&loaded, &json!({"a": 2, "b": 1, "c": 1}));
    desk.apply(opened.key, &set(&loaded, &json!({"a": 1, "c": 1, "d": 2})))
        .await;
    match desk.commit(opened.key, &mine).await {
        Committed::Applied(Some(_)) => {
            assert!(loaded.snapshot.revisions.is_some(), "a store of fields");
        }
        Committed::Conflict(shown) => {
            assert!(loaded.snapshot.revisions.is_none(), "fields never conflict");
            assert_eq!(desk::json(&shown.snapshot), json!({"a": 1, "c": 1, "d": 2}));
            mine = set(&shown, &json!({"a": 2, "c": 1, "d": 2}));
            desk.apply(opened.key, &mine).await;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"a": 2, "c": 1, "d": 2})
    );
}

/// New data without a base replaces whatever is there.
pub async fn data_without_a_base_replaces_all<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1, "b": 1})).await;
    let stale = desk.get(&opened).await;
    desk.apply(opened.key, &set(&stale, &json!({"a": 2, "c": 1})))
        .await;
    let mut change = set(&stale, &json!({"a": 3, "d": 1}));
    change.data.as_mut().expect("data").base = None;
    let snapshot = desk
        .apply(opened.key, &change)
        .await
        .expect("the data changed");
    assert_eq!(desk::json(&snapshot), json!({"a": 3, "d": 1}));
    let after = desk.get(&opened).await;
    assert_eq!(desk::json(&after.snapshot), json!({"a": 3, "d": 1}));
    desk.apply(opened.key, &set(&after, &json!({"a": 4}))).await;
    assert_eq!(
        desk::json(&desk.get(&opened).await.snapshot),
        json!({"a": 4})
    );
}

/// A change of a session that was destroyed or has expired is `Gone`, and never creates.
pub async fn a_change_never_creates<S: Store<Untyped>>(desk: Desk<S>) {
    let destroyed = desk.open(&json!({"a": 1})).await;
    let expired = desk.open(&json!({"a": 1})).await;
    let record = desk.get(&destroyed).await;
    desk.destroy(destroyed.key).await;
    desk.pass(11.0).await;
    for session in [destroyed, expired] {
        every_change_is_gone(&desk, &session, &record).await;
    }
    assert_eq!(desk.count().await, 0);
}

async fn every_change_is_gone<S: Store<Untyped>>(
    desk: &Desk<S>,
    session: &Opened,
    record: &crate::record::Record<Untyped>,
) {
    let new = secret();
    let mut replace = set(record, &json!({"a": 2}));
    replace.data.as_mut().expect("data").base = None;
    let longer = Change {
        lifetime: Some(desk.lifetime(100.0, 100.0)),
        ..change_of(record)
    };
    // One with the id that the record carried is no exception.
    let repeated = Change {
        commit_id: record.commit_id,
        ..change_of(record)
    };
    for change in [
        change_of(record),
        set(record, &json!({"a": 2})),
        replace,
        rotate(record, new),
        longer,
        repeated,
    ] {
        let committed = desk.commit(session.key, &change).await;
        assert!(matches!(committed, Committed::Gone), "{committed:?}");
    }
    assert!(!desk.is_alive(session).await);
    assert!(desk.load(session.key, new).await.is_none());
}
