//! Secrets and subjects: the effects of rotations and logins, and of changes based on older loads.

use serde_json::json;

use crate::record::{Change, IdentityChange, LoginChange, NewLogin, NewRecord};
use crate::store::{CommitOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, login, rotate, secret, set};
use crate::untyped::Untyped;

/// A rotation invalidates the old secret, and keeps the id, the data and the subject.
pub async fn a_rotation_invalidates_the_old_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = NewRecord {
        login: Some(NewLogin::new("ada")),
        label: None,
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
    assert!(
        !fixture.is_alive(&opened).await,
        "the old secret is invalid"
    );
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the new secret is not valid");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!(after.subject(), Some("ada"));
    assert_eq!((after.epoch, after.generation), (1, 0));
    assert_eq!(after.deadlines.created_at, before.deadlines.created_at);
    assert_eq!(
        after.deadlines.absolute_until,
        before.deadlines.absolute_until
    );
}

/// A rotation and new data can be one change.
pub async fn a_rotation_with_data_is_one_change<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&opened).await;
    let new = secret();
    let change = Change {
        identity: rotate(&record, new).identity,
        ..set(&record, &json!({"a": 2}))
    };
    assert!(fixture.apply(opened.key, &change).await.is_some());
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the new secret is not valid");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 2}));
}

/// A change of the secret or subject that is based on an older epoch is a conflict. Its data is not
/// written either.
pub async fn an_older_epoch_changes_no_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture.apply(opened.key, &rotate(&old, new)).await;
    let late = secret();
    let rotation = rotate(&old, late);
    let with_data = Change {
        identity: rotation.identity.clone(),
        ..set(&old, &json!({"a": 2}))
    };
    for change in [rotation, with_data, login(&old, late, "other")] {
        match fixture.commit(opened.key, &change).await {
            CommitOutcome::Conflict(record) => assert_eq!(record.epoch, 1),
            other => panic!("{other:?}"),
        }
    }
    assert!(fixture.load(opened.key, late).await.is_none());
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the session was not found");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!((after.epoch, after.subject()), (1, None));
}

/// Data that is based on a load before a rotation is applied. The old secret stays invalid.
pub async fn data_loaded_before_a_rotation_is_applied<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture.apply(opened.key, &rotate(&old, new)).await;
    fixture
        .apply(opened.key, &set(&old, &json!({"a": 2})))
        .await;
    assert!(
        !fixture.is_alive(&opened).await,
        "the old secret is invalid"
    );
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the session was not found");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 2}));
}

/// After a login, every change that is based on an earlier load is `Ended`.
pub async fn changes_loaded_before_a_login_are_ended<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&opened).await;
    let new = secret();
    fixture.apply(opened.key, &login(&old, new, "ada")).await;
    let late = secret();
    let mut replace = set(&old, &json!({"a": 3}));
    replace.data.as_mut().expect("data").base = None;
    let longer = Change {
        lifetime: Some(fixture.lifetime(100.0, 100.0)),
        ..fixture::change_of(&old)
    };
    for change in [
        set(&old, &json!({"a": 2})),
        replace,
        rotate(&old, late),
        login(&old, late, "other"),
        longer,
    ] {
        let committed = fixture.commit(opened.key, &change).await;
        assert!(matches!(committed, CommitOutcome::Ended), "{committed:?}");
    }
    assert!(!fixture.is_alive(&opened).await);
    assert!(fixture.load(opened.key, late).await.is_none());
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the session was not found");
    assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
    assert_eq!(after.subject(), Some("ada"));
    assert_eq!((after.epoch, after.generation), (1, 1));
}

/// An identity change can set, keep and remove the subject.
pub async fn a_subject_is_set_kept_and_removed<S: Store<Untyped>>(fixture: Fixture<S>) {
    let mut opened = fixture.open(&json!({"a": 1})).await;
    let name = "zoë|of \"x\" 🦀";
    for (change_of_login, expected) in [
        (LoginChange::Set(NewLogin::new(name)), Some(name)),
        (LoginChange::Keep, Some(name)),
        (LoginChange::Set(NewLogin::new("other")), Some("other")),
        (LoginChange::Clear, None),
        (LoginChange::Keep, None),
    ] {
        let record = fixture.get(&opened).await;
        let new = secret();
        let change = Change {
            identity: Some(IdentityChange {
                secret: new,
                new_generation: false,
                login: change_of_login,
            }),
            ..fixture::change_of(&record)
        };
        fixture.apply(opened.key, &change).await;
        opened = Opened {
            secret: new,
            ..opened
        };
        assert_eq!(fixture.get(&opened).await.subject(), expected);
        // A change of the data keeps the subject.
        let record = fixture.get(&opened).await;
        fixture
            .apply(opened.key, &set(&record, &json!({"a": 2})))
            .await;
        assert_eq!(fixture.get(&opened).await.subject(), expected);
    }
}

/// A login counts both deadlines from now.
pub async fn a_login_starts_the_deadlines_again<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(8.0).await;
    let new = secret();
    let record = fixture.get(&opened).await;
    let before = record.deadlines;
    fixture.apply(opened.key, &login(&record, new, "ada")).await;
    let after = fixture
        .load(opened.key, new)
        .await
        .expect("the session was not found")
        .deadlines;
    assert!(after.absolute_until >= before.absolute_until + fixture.units(7.0));
    assert!(after.idle_until >= before.idle_until);
    // Until 32 units after the insert; the absolute deadline before the login was at 25.
    for _ in 0..3 {
        fixture.pass(8.0).await;
        assert!(fixture.load(opened.key, new).await.is_some());
    }
    fixture.pass(2.0).await;
    assert!(
        fixture.load(opened.key, new).await.is_none(),
        "the absolute deadline since the login is at 33"
    );
}
