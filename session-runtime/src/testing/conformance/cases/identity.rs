//! Secrets and subjects: what a rotation and a login do, and to whom.

use serde_json::json;

use crate::record::{Change, IdentityChange, NewRecord, SubjectChange};
use crate::store::{CommitOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, login, rotate, secret, set};
use crate::untyped::Untyped;

/// A rotation kills the old secret with its commit, and keeps id, data and subject.
pub async fn a_rotation_kills_the_old_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = NewRecord {
        subject: Some("somebody".into()),
        ..fixture.new_record(secret(), &json!({"a": 1}))
    };
    let opened = fixture.open_as(record).await;
    let before = fixture.get(&opened).await;
    let new = secret();
    assert!(
        fixture
            .apply(opened.key, &rotate(&before, new))
            .await
            .is_none()
    );
    assert!(!fixture.is_alive(&opened).await, "the old secret is dead");
    let after = fixture.load(opened.key, new).await.expect("the new secret");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!(after.subject.as_deref(), Some("somebody"));
    assert_eq!((after.epoch, after.generation), (1, 0));
    assert_eq!(after.deadlines.created_at, before.deadlines.created_at);
    assert_eq!(
        after.deadlines.absolute_until,
        before.deadlines.absolute_until
    );
}

/// A rotation with data is one change.
pub async fn a_rotation_with_data_is_one_change<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&opened).await;
    let new = secret();
    let change = Change {
        identity: rotate(&record, new).identity,
        ..set(&record, &json!({"a": 2}))
    };
    assert!(fixture.apply(opened.key, &change).await.is_some());
    let after = fixture.load(opened.key, new).await.expect("the new secret");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 2}));
}

/// A secret or subject by somebody who loaded an older secret never lands, nor do the data that
/// come with it.
pub async fn an_older_epoch_changes_no_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture.apply(opened.key, &rotate(&old, new)).await;
    let thief = secret();
    let rotation = rotate(&old, thief);
    let with_data = Change {
        identity: rotation.identity.clone(),
        ..set(&old, &json!({"a": 2}))
    };
    for change in [rotation, with_data, login(&old, thief, "thief")] {
        match fixture.commit(opened.key, &change).await {
            CommitOutcome::Conflict(record) => assert_eq!(record.epoch, 1),
            other => panic!("{other:?}"),
        }
    }
    assert!(fixture.load(opened.key, thief).await.is_none());
    let after = fixture.load(opened.key, new).await.expect("alive");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!((after.epoch, after.subject), (1, None));
}

/// Data by somebody who loaded before a rotation land; the secret that was rotated stays dead.
pub async fn data_land_across_a_rotation<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture.apply(opened.key, &rotate(&old, new)).await;
    fixture
        .apply(opened.key, &set(&old, &json!({"a": 2})))
        .await;
    assert!(!fixture.is_alive(&opened).await, "the old secret came back");
    let after = fixture.load(opened.key, new).await.expect("alive");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 2}));
}

/// After a login, whatever somebody who loaded before it sends is `Ended`.
pub async fn nothing_lands_across_a_login<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture
        .apply(opened.key, &login(&old, new, "somebody"))
        .await;
    let thief = secret();
    let mut replace = set(&old, &json!({"a": 3}));
    replace.data.as_mut().expect("data").base = None;
    let longer = Change {
        lifetime: Some(fixture.lifetime(100.0, 100.0)),
        ..fixture::change_of(&old)
    };
    for change in [
        set(&old, &json!({"a": 2})),
        replace,
        rotate(&old, thief),
        login(&old, thief, "thief"),
        longer,
    ] {
        let committed = fixture.commit(opened.key, &change).await;
        assert!(matches!(committed, CommitOutcome::Ended), "{committed:?}");
    }
    assert!(!fixture.is_alive(&opened).await);
    assert!(fixture.load(opened.key, thief).await.is_none());
    let after = fixture.load(opened.key, new).await.expect("alive");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!(after.subject.as_deref(), Some("somebody"));
    assert_eq!((after.epoch, after.generation), (1, 1));
}

/// A subject is set, kept and removed.
pub async fn a_subject_is_set_kept_and_removed<S: Store<Untyped>>(fixture: Fixture<S>) {
    let mut opened = fixture.open(&json!({"a": 1})).await;
    let name = "zoë|of \"x\" 🦀";
    for (subject, expected) in [
        (SubjectChange::Set(name.into()), Some(name)),
        (SubjectChange::Keep, Some(name)),
        (SubjectChange::Set("other".into()), Some("other")),
        (SubjectChange::Clear, None),
        (SubjectChange::Keep, None),
    ] {
        let record = fixture.get(&opened).await;
        let new = secret();
        let change = Change {
            identity: Some(IdentityChange {
                secret: new,
                new_generation: false,
                subject,
            }),
            ..fixture::change_of(&record)
        };
        fixture.apply(opened.key, &change).await;
        opened = Opened {
            secret: new,
            ..opened
        };
        assert_eq!(fixture.get(&opened).await.subject.as_deref(), expected);
        // Neither a change of data nor a touch knows of it.
        let record = fixture.get(&opened).await;
        fixture
            .apply(opened.key, &set(&record, &json!({"a": 2})))
            .await;
        assert_eq!(fixture.get(&opened).await.subject.as_deref(), expected);
    }
}

/// Both deadlines of a session start again with a login.
pub async fn a_login_starts_the_deadlines_again<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(8.0).await;
    let new = secret();
    let record = fixture.get(&opened).await;
    let before = record.deadlines;
    fixture
        .apply(opened.key, &login(&record, new, "somebody"))
        .await;
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("alive")
        .deadlines;
    assert!(after.absolute_until >= before.absolute_until + fixture.units(7.0));
    assert!(after.idle_until >= before.idle_until);
    // 24 units after the login and 32 after the beginning; the first deadline was at 25.
    for _ in 0..3 {
        fixture.pass(8.0).await;
        assert!(fixture.load(opened.key, new).await.is_some());
    }
    fixture.pass(2.0).await;
    assert!(
        fixture.load(opened.key, new).await.is_none(),
        "the new one is at 33"
    );
}
