//! The first use: a session that no load ever finds ends after its `first_use_timeout`.

use serde_json::json;

use crate::data::DataFormat;
use crate::record::{
    Change, CommitId, DataChange, IdentityChange, LoginChange, NewLogin, NewRecord,
};
use crate::store::{CommitOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, ABSOLUTE, IDLE, Opened, secret, untyped};
use crate::timestamp::Timestamp;
use crate::untyped::Untyped;

/// The `first_use_timeout` of the cases, in units.
const FIRST_USE: f64 = 4.0;

/// Inserts a session that ends after four units unless a load finds it.
async fn open<S: Store<Untyped>>(fixture: &Fixture<S>) -> Opened {
    let record = NewRecord {
        first_use_timeout: Some(fixture.units(FIRST_USE)),
        ..fixture.new_record(secret(), &json!({"a": 0}))
    };
    fixture.open_as(record).await
}

/// An empty change of a session that nobody has loaded.
fn change() -> Change<Untyped> {
    Change {
        commit_id: CommitId::random(),
        epoch: 0,
        generation: 0,
        data: None,
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

/// A session that no load finds ends after its `first_use_timeout`, for every operation.
pub async fn a_session_that_is_never_loaded_ends_early<S: Store<Untyped>>(fixture: Fixture<S>) {
    let read = open(&fixture).await;
    let changed = open(&fixture).await;
    let destroyed = open(&fixture).await;
    if let Some(clock) = fixture.fake_clock() {
        let millisecond = std::time::Duration::from_millis(1);
        clock.advance(fixture.units(FIRST_USE).saturating_sub(millisecond));
        assert_eq!(fixture.count().await, 3);
        clock.advance(millisecond);
    } else {
        fixture.pass(FIRST_USE + 1.0).await;
    }
    assert_eq!(fixture.count().await, 0);
    assert!(!fixture.is_alive(&read).await);
    let committed = fixture.commit(changed.key, &change()).await;
    assert!(matches!(committed, CommitOutcome::Ended));
    assert!(!fixture.destroy(destroyed.key).await);
}

/// From the first load on, a session lives like any other, whether a touch would have been due or not.
pub async fn the_first_load_ends_the_wait_for_it<S: Store<Untyped>>(fixture: Fixture<S>) {
    for units in [0.0, 1.0] {
        let opened = open(&fixture).await;
        fixture.pass(units).await;
        let deadlines = fixture.get(&opened).await.deadlines;
        let idle_until = deadlines.created_at + fixture.units(IDLE);
        assert!(deadlines.idle_until >= idle_until, "{deadlines:?}");
        fixture.pass(7.0).await;
        assert!(fixture.is_alive(&opened).await, "after {units} units");
        fixture.pass(7.0).await;
        let record = fixture.get(&opened).await;
        assert_eq!(record.deadlines.absolute_until, deadlines.absolute_until);
        fixture.pass(11.0).await;
        assert!(!fixture.is_alive(&opened).await);
    }
}

/// A load that does not find the session is none.
pub async fn a_wrong_secret_is_no_first_use<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = open(&fixture).await;
    assert!(fixture.load(opened.key, secret()).await.is_none());
    fixture.pass(FIRST_USE + 1.0).await;
    assert!(!fixture.is_alive(&opened).await);
}

/// Neither data nor a login, a rotation or a longer lifetime makes a session live longer that no load
/// has found.
pub async fn no_change_moves_the_end_of_an_unused_session<S: Store<Untyped>>(fixture: Fixture<S>) {
    let identity = |new_generation, login| {
        Some(IdentityChange {
            secret: secret(),
            new_generation,
            login,
        })
    };
    let mut sessions = Vec::new();
    for number in 0..5 {
        let opened = open(&fixture).await;
        let data = DataChange {
            base: Some(opened.snapshot.clone()),
            data: untyped(&json!({"a": 1})),
            max_size: 1_000,
        };
        let change = match number {
            0 => change(),
            1 => Change {
                data: Some(data),
                ..change()
            },
            2 => Change {
                identity: identity(true, LoginChange::Set(NewLogin::new("ada"))),
                ..change()
            },
            3 => Change {
                identity: identity(false, LoginChange::Keep),
                ..change()
            },
            _ => Change {
                lifetime: Some(fixture.lifetime(2.0 * IDLE, ABSOLUTE)),
                ..change()
            },
        };
        sessions.push((opened, change));
    }
    fixture.pass(1.0).await;
    for (opened, change) in &sessions {
        fixture.apply(opened.key, change).await;
        // What a conflict shows is the same: a late change of the secret of the same generation.
        let late = Change {
            epoch: 7,
            generation: change.generation_after(),
            identity: identity(false, LoginChange::Keep),
            ..self::change()
        };
        let CommitOutcome::Conflict(record) = fixture.commit(opened.key, &late).await else {
            panic!("the epoch is another one");
        };
        let ends_at = record.deadlines.created_at + fixture.units(FIRST_USE);
        assert_eq!(record.deadlines.expires_at(), ends_at);
    }
    fixture.pass(FIRST_USE).await;
    assert_eq!(fixture.count().await, 0);
    for (opened, change) in &sessions {
        let secret = (change.identity.as_ref()).map_or(opened.secret, |identity| identity.secret);
        assert!(fixture.load(opened.key, secret).await.is_none());
    }
}

/// A lifetime that is shorter than the time that is left ends the session earlier.
pub async fn a_shorter_lifetime_ends_an_unused_session<S: Store<Untyped>>(fixture: Fixture<S>) {
    let idle = open(&fixture).await;
    let absolute = open(&fixture).await;
    let created = NewRecord {
        lifetime: fixture.lifetime(1.0, ABSOLUTE),
        first_use_timeout: Some(fixture.units(FIRST_USE)),
        ..fixture.new_record(secret(), &json!({}))
    };
    let created = fixture.open_as(created).await;
    for (session, lifetime) in [
        (&idle, fixture.lifetime(1.0, ABSOLUTE)),
        (&absolute, fixture.lifetime(IDLE, 1.0)),
    ] {
        let change = Change {
            lifetime: Some(lifetime),
            ..change()
        };
        fixture.apply(session.key, &change).await;
    }
    fixture.pass(2.0).await;
    for session in [idle, absolute, created] {
        assert!(!fixture.is_alive(&session).await);
    }
}

/// A list shows when a session ends that nobody has presented, and that it was not seen since its
/// creation.
pub async fn a_list_shows_when_an_unused_session_ends<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = NewRecord {
        first_use_timeout: Some(fixture.units(FIRST_USE)),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let opened = fixture.open_as(record).await;
    let list = async || {
        let page = (fixture.index())
            .list(fixture.subject("ada"), None, 10)
            .await;
        page.expect("list failed").sessions
    };
    let listed = list().await;
    let [listed] = &listed[..] else {
        panic!("{listed:?}")
    };
    // A store of several servers may read another clock for the time of the creation.
    let latest = listed.created_at + fixture.units(FIRST_USE + 2.0);
    assert!(listed.expires_at < latest, "{listed:?}");
    assert_eq!(listed.last_seen_at, listed.created_at);
    fixture.pass(1.0).await;
    let deadlines = fixture.get(&opened).await.deadlines;
    let listed = list().await;
    assert_eq!(
        Timestamp::from(listed[0].expires_at),
        deadlines.expires_at()
    );
    assert!(listed[0].last_seen_at > listed[0].created_at);
    fixture.pass(FIRST_USE).await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({})
    );
}
