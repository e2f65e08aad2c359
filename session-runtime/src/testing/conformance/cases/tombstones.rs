//! What a store still knows of a session that ended because its user may have no more.

use serde_json::json;

use super::session_limits::limited;
use crate::record::{Key, LoadRequest, NewLogin, NewRecord, OnMaxSessions, Renewal, Transport};
use crate::sid::SecretHash;
use crate::store::{CommitOutcome, InsertOutcome, LoadOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{Opened, login_as, request, secret, set};
use crate::untyped::Untyped;

/// Logs the user in elsewhere, so that every other session ends.
async fn log_in_elsewhere<S: Store<Untyped>>(fixture: &Fixture<S>) -> Opened {
    fixture.pass(0.1).await;
    let only = limited(1, OnMaxSessions::EndOldest);
    fixture.open_as(fixture.logged_in(only)).await
}

async fn load<S: Store<Untyped>>(fixture: &Fixture<S>, key: Key, secret: SecretHash) -> String {
    load_with(fixture, key, request(secret)).await
}

/// The outcome of a load.
async fn load_with<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    key: Key,
    request: LoadRequest,
) -> String {
    let outcome = match fixture.outcome_of(key, request).await {
        LoadOutcome::Found(_) => "found",
        LoadOutcome::Unknown => "unknown",
        LoadOutcome::Replaced => "replaced",
        LoadOutcome::Reused { .. } => "reused",
    };
    outcome.to_owned()
}

/// A load with a valid secret of the session, by its transport, returns that it was replaced, again and
/// again. Any other load does not.
pub async fn a_session_that_was_replaced_says_so_to_its_secrets<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let renewal = |candidate| Renewal {
        every: fixture.units(1.0),
        grace: fixture.units(8.0),
        candidate,
    };
    let cookie = NewRecord {
        transport: Transport::Cookie,
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let session = fixture.open_as(cookie).await;
    let by = |secret, renewal| LoadRequest {
        transport: Transport::Cookie,
        renewal,
        ..request(secret)
    };
    let (second, third) = (secret(), secret());
    for (presented, candidate) in [(session.secret, second), (second, third)] {
        fixture.pass(1.5).await;
        let offered = by(presented, Some(renewal(candidate)));
        assert_eq!(load_with(&fixture, session.key, offered).await, "found");
        if candidate == second {
            let promoted = by(second, Some(renewal(secret())));
            assert_eq!(load_with(&fixture, session.key, promoted).await, "found");
        }
    }
    let plain = fixture.log_in("ada").await;
    let bob = fixture.log_in("bob").await;
    let latest = log_in_elsewhere(&fixture).await;
    for _ in 0..2 {
        // The previous, the current and the offered secret.
        for valid in [session.secret, second, third] {
            let outcome = load_with(&fixture, session.key, by(valid, None)).await;
            assert_eq!(outcome, "replaced");
            assert_eq!(load(&fixture, session.key, valid).await, "unknown");
        }
        let wrong = by(secret(), None);
        let outcome = load_with(&fixture, session.key, wrong).await;
        assert_eq!(outcome, "unknown", "a wrong secret");
        assert_eq!(load(&fixture, plain.key, plain.secret).await, "replaced");
        let by_cookie = by(plain.secret, None);
        let outcome = load_with(&fixture, plain.key, by_cookie).await;
        assert_eq!(outcome, "unknown", "another transport");
        let foreign = Key {
            namespace: fixture.elsewhere().namespace,
            ..plain.key
        };
        for wrong in [secret(), latest.secret, session.secret] {
            assert_eq!(load(&fixture, plain.key, wrong).await, "unknown");
        }
        assert_eq!(load(&fixture, foreign, plain.secret).await, "unknown");
    }
    for alive in [latest, bob] {
        assert_eq!(load(&fixture, alive.key, alive.secret).await, "found");
    }
}

/// For everything but a load, a replaced session has ended.
pub async fn a_replaced_session_counts_as_ended<S: Store<Untyped>>(fixture: Fixture<S>) {
    let session = fixture.log_in("ada").await;
    let record = fixture.get(&session).await;
    let latest = log_in_elsewhere(&fixture).await;
    let changes = [
        set(&record, &json!({"a": 1})),
        login_as(&record, secret(), NewLogin::new("ada")),
        login_as(&record, secret(), limited(1, OnMaxSessions::Refuse)),
        login_as(&record, secret(), limited(1, OnMaxSessions::EndOldest)),
    ];
    for change in &changes {
        assert!(matches!(
            fixture.commit(session.key, change).await,
            CommitOutcome::Ended
        ));
    }
    let (ada, id) = (fixture.subject("ada"), session.key.id);
    assert_eq!(fixture.ids_of("ada").await, [latest.key.id]);
    assert_eq!(fixture.count().await, 1);
    assert!(!fixture.index().end(ada, id).await.expect("end failed"));
    fixture.store.sweep(1_000).await.expect("sweep failed");
    let outcome = load(&fixture, session.key, session.secret).await;
    assert_eq!(outcome, "replaced", "a sweep comes too early");
    // It does not count for a limit either.
    let second = fixture.logged_in(limited(2, OnMaxSessions::Refuse));
    let second = fixture.open_as(second).await;
    assert_eq!(fixture.ids_of("ada").await.len(), 2);
    let mut both = [latest.key.id, second.key.id];
    both.sort_unstable();
    assert_eq!(fixture.end_all("ada", None).await, both);
    let outcome = load(&fixture, latest.key, latest.secret).await;
    assert_eq!(outcome, "unknown", "it was revoked");
}

/// A tombstone does not occupy the id, and is gone once another session has it.
pub async fn the_id_of_a_replaced_session_can_be_inserted_again<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    for login in [None, Some(NewLogin::new("bob"))] {
        let session = fixture.log_in("ada").await;
        log_in_elsewhere(&fixture).await;
        let record = NewRecord {
            login,
            ..fixture.new_record(secret(), &json!({"a": 1}))
        };
        let inserted = fixture.insert(session.key, &record).await;
        assert!(matches!(inserted, InsertOutcome::Done { .. }));
        let (key, old) = (session.key, session.secret);
        assert_eq!(load(&fixture, key, record.secret).await, "found");
        assert_eq!(load(&fixture, key, old).await, "unknown");
        assert!(fixture.destroy(key).await);
        assert_eq!(load(&fixture, key, old).await, "unknown");
    }
}

/// A tombstone is kept beyond the idle deadline, for a day, but not beyond the absolute deadline.
pub async fn a_tombstone_is_kept_until_the_absolute_deadline<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let short = NewRecord {
        lifetime: fixture.lifetime(2.0, 6.0),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let short = fixture.open_as(short).await;
    log_in_elsewhere(&fixture).await;
    fixture.pass(3.0).await;
    assert_eq!(load(&fixture, short.key, short.secret).await, "replaced");
    fixture.pass(4.0).await;
    assert_eq!(load(&fixture, short.key, short.secret).await, "unknown");
    if fixture.fake_clock().is_some() {
        let day = 24.0 * 60.0;
        let long = NewRecord {
            lifetime: fixture.lifetime(3.0 * day, 4.0 * day),
            ..fixture.logged_in(NewLogin::new("ada"))
        };
        let long = fixture.open_as(long).await;
        log_in_elsewhere(&fixture).await;
        fixture.pass(day - 1.0).await;
        assert_eq!(load(&fixture, long.key, long.secret).await, "replaced");
        fixture.pass(1.0).await;
        assert_eq!(load(&fixture, long.key, long.secret).await, "unknown");
    }
}

/// A session that expired, was destroyed or revoked, and one whose login was refused, is unknown.
pub async fn a_session_that_ends_otherwise_leaves_no_tombstone<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let short = NewRecord {
        lifetime: fixture.lifetime(1.0, 20.0),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let expired = fixture.open_as(short).await;
    fixture.pass(1.5).await;
    let destroyed = fixture.log_in("ada").await;
    fixture.destroy(destroyed.key).await;
    log_in_elsewhere(&fixture).await;
    let ended = fixture.log_in("ada").await;
    let (ada, id) = (fixture.subject("ada"), ended.key.id);
    assert!(fixture.index().end(ada, id).await.expect("end failed"));
    let all = fixture.log_in("ada").await;
    fixture.end_all("ada", None).await;
    for gone in [expired, destroyed, ended, all] {
        assert_eq!(load(&fixture, gone.key, gone.secret).await, "unknown");
    }
}
