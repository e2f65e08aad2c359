//! Commits: a change is applied completely or not at all, only once, and only to a living session.

use serde_json::json;

use crate::data::DataFormat;
use crate::record::{Change, DataChange};
use crate::store::{CommitOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, change_of, rotate, secret, set, untyped};
use crate::untyped::Untyped;

/// A change of fields is stored. The next change can be based on the snapshot that it returned.
pub async fn a_change_is_applied<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture
        .open(&json!({"same": 1, "changed": 1, "removed": 1}))
        .await;
    let record = fixture.get(&opened).await;
    let data = json!({"same": 1, "changed": 2, "added": {"a": [null]}});
    let change = set(&record, &data);
    let snapshot = fixture
        .apply(opened.key, &change)
        .await
        .expect("the commit returned no snapshot");
    assert_eq!(
        fixture::json(&snapshot),
        data,
        "the snapshot that the commit returned"
    );
    assert_ne!(snapshot.version, record.snapshot.version);
    let mut record = fixture.get(&opened).await;
    assert_eq!(fixture::json(&record.snapshot), data);
    assert_eq!(record.snapshot.version, snapshot.version);
    assert_eq!(record.commit_id, change.commit_id);
    assert_eq!((record.epoch, record.generation), (0, 0));
    record.snapshot = snapshot;
    fixture
        .apply(opened.key, &set(&record, &json!({"changed": 3})))
        .await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"changed": 3})
    );
}

/// The first change can be based on the snapshot that the insert returned.
pub async fn a_new_session_is_changed_without_a_load<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let change = Change {
        commit_id: crate::record::CommitId::random(),
        epoch: 0,
        generation: 0,
        data: Some(DataChange {
            base: Some(opened.snapshot.clone()),
            data: untyped(&json!({"a": 2})),
            max_size: 1_000,
        }),
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    };
    fixture.apply(opened.key, &change).await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 2})
    );
}

/// A change without data returns no snapshot, and does not change the data.
pub async fn a_change_without_data_leaves_the_data<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&opened).await;
    let change = Change {
        lifetime: Some(fixture.lifetime(20.0, 30.0)),
        ..change_of(&record)
    };
    assert!(fixture.apply(opened.key, &change).await.is_none());
    assert!(
        fixture
            .apply(opened.key, &change_of(&record))
            .await
            .is_none()
    );
    let after = fixture.get(&opened).await;
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    // Neither change makes the loaded record outdated as a base.
    fixture
        .apply(opened.key, &set(&record, &json!({"a": 2})))
        .await;
}

/// A change with the record's commit id is reported as applied, and not applied again. A record only
/// keeps the last commit id: after another change, the repeated change is a conflict.
pub async fn a_change_is_applied_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let change = set(&fixture.get(&opened).await, &json!({"a": 2}));
    fixture.apply(opened.key, &change).await;
    let first = fixture.get(&opened).await;
    let again = fixture
        .apply(opened.key, &change)
        .await
        .expect("the commit returned no snapshot");
    let second = fixture.get(&opened).await;
    assert_eq!(again.version, first.snapshot.version);
    assert_eq!(second.snapshot.version, first.snapshot.version);

    fixture
        .apply(opened.key, &set(&second, &json!({"a": 3})))
        .await;
    let late = fixture.commit(opened.key, &change).await;
    assert!(matches!(late, CommitOutcome::Conflict(_)), "{late:?}");
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 3})
    );
}

/// The commit id is compared before the epoch and the generation.
pub async fn a_repeated_rotation_is_applied_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    let new = secret();
    let change = fixture::login(&fixture.get(&opened).await, new, "ada");
    fixture.apply(opened.key, &change).await;
    fixture.apply(opened.key, &change).await;
    let record = fixture
        .load(opened.key, new)
        .await
        .expect("the session was not found");
    assert_eq!((record.epoch, record.generation), (1, 1));
}

/// A change of a field that has changed since it was loaded is a conflict, which contains the current
/// record. No part of the change is written: no other field, no secret, no lifetime.
pub async fn a_conflicting_change_writes_nothing<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1, "b": 1, "removed": 1})).await;
    let stale = fixture.get(&opened).await;
    let theirs = set(&stale, &json!({"a": 2, "b": 1, "new": 1}));
    fixture.apply(opened.key, &theirs).await;
    let now = fixture.get(&opened).await;
    for mine in [
        json!({"a": 9, "b": 9, "removed": 1, "c": 9}),
        json!({"b": 9, "removed": 1}),
        json!({"a": 1, "b": 9, "removed": 9}),
        json!({"a": 1, "b": 9, "removed": 1, "new": 9}),
    ] {
        let new = secret();
        let change = Change {
            identity: rotate(&stale, new).identity,
            lifetime: Some(fixture.lifetime(20.0, 30.0)),
            ..set(&stale, &mine)
        };
        match fixture.commit(opened.key, &change).await {
            CommitOutcome::Conflict(record) => {
                assert_eq!(
                    fixture::json(&record.snapshot),
                    fixture::json(&now.snapshot)
                );
                assert_eq!(record.commit_id, theirs.commit_id);
            }
            other => panic!("{mine}: {other:?}"),
        }
        let after = fixture.get(&opened).await;
        assert_eq!(
            fixture::json(&after.snapshot),
            fixture::json(&now.snapshot),
            "{mine}"
        );
        assert_eq!(after.snapshot.version, now.snapshot.version);
        assert_eq!(after.epoch, 0);
        assert_eq!(after.deadlines.absolute_until, now.deadlines.absolute_until);
        assert!(fixture.load(opened.key, new).await.is_none());
    }
}

/// A change can be based on the record of a conflict.
pub async fn a_change_can_be_based_on_a_conflict<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let stale = fixture.get(&opened).await;
    fixture
        .apply(opened.key, &set(&stale, &json!({"a": 2})))
        .await;
    let CommitOutcome::Conflict(shown) = fixture
        .commit(opened.key, &set(&stale, &json!({"a": 3})))
        .await
    else {
        panic!("expected a conflict");
    };
    assert!(
        fixture
            .apply(opened.key, &set(&shown, &json!({"a": 3})))
            .await
            .is_some()
    );
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 3})
    );
}

/// Changes of different fields can both be applied, the later one after a conflict that contains the current
/// record.
pub async fn changes_of_different_fields_are_both_applied<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1, "b": 1, "c": 1})).await;
    let loaded = fixture.get(&opened).await;
    let mut mine = set(&loaded, &json!({"a": 2, "b": 1, "c": 1}));
    fixture
        .apply(opened.key, &set(&loaded, &json!({"a": 1, "c": 1, "d": 2})))
        .await;
    match fixture.commit(opened.key, &mine).await {
        CommitOutcome::Conflict(shown) => {
            assert_eq!(
                fixture::json(&shown.snapshot),
                json!({"a": 1, "c": 1, "d": 2})
            );
            mine = set(&shown, &json!({"a": 2, "c": 1, "d": 2}));
            fixture.apply(opened.key, &mine).await;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 2, "c": 1, "d": 2})
    );
}

/// New data without a base replaces all stored data.
pub async fn data_without_a_base_replaces_all_fields<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1, "b": 1})).await;
    let stale = fixture.get(&opened).await;
    fixture
        .apply(opened.key, &set(&stale, &json!({"a": 2, "c": 1})))
        .await;
    let mut change = set(&stale, &json!({"a": 3, "d": 1}));
    change.data.as_mut().expect("data").base = None;
    let snapshot = fixture
        .apply(opened.key, &change)
        .await
        .expect("the commit returned no snapshot");
    assert_eq!(fixture::json(&snapshot), json!({"a": 3, "d": 1}));
    let after = fixture.get(&opened).await;
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 3, "d": 1}));
    fixture
        .apply(opened.key, &set(&after, &json!({"a": 4})))
        .await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 4})
    );
}

/// A change of a destroyed or expired session is `Ended`, and creates no record.
pub async fn a_change_never_creates<S: Store<Untyped>>(fixture: Fixture<S>) {
    let destroyed = fixture.open(&json!({"a": 1})).await;
    let expired = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&destroyed).await;
    fixture.destroy(destroyed.key).await;
    fixture.pass(11.0).await;
    for session in [destroyed, expired] {
        assert_every_change_is_ended(&fixture, &session, &record).await;
    }
    assert_eq!(fixture.count().await, 0);
}

async fn assert_every_change_is_ended<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    session: &Opened,
    record: &crate::record::Record<Untyped>,
) {
    let new = secret();
    let mut replace = set(record, &json!({"a": 2}));
    replace.data.as_mut().expect("data").base = None;
    let longer = Change {
        lifetime: Some(fixture.lifetime(100.0, 100.0)),
        ..change_of(record)
    };
    // `Ended` takes precedence over a matching commit id.
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
        let committed = fixture.commit(session.key, &change).await;
        assert!(matches!(committed, CommitOutcome::Ended), "{committed:?}");
    }
    assert!(!fixture.is_alive(session).await);
    assert!(fixture.load(session.key, new).await.is_none());
}
