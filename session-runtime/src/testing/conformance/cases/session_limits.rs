//! How many sessions a subject may have.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::record::{Change, NewLogin, NewRecord, OnMaxSessions, SessionLimit};
use crate::sid::SessionId;
use crate::store::{CommitOutcome, InsertOutcome, LoginRefusal, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{Opened, login_as, secret, set};
use crate::untyped::Untyped;

pub(super) fn limited(max: u32, when_reached: OnMaxSessions) -> NewLogin {
    NewLogin {
        limit: NonZeroU32::new(max).map(|max| SessionLimit { max, when_reached }),
        ..NewLogin::new("ada")
    }
}

/// Inserts a session with a limited login, and returns it with the sessions that ended for it.
async fn log_in<S: Store<Untyped>>(fixture: &Fixture<S>, max: u32) -> (Opened, Vec<SessionId>) {
    fixture.pass(0.1).await;
    let (key, _) = fixture.mint();
    let record = fixture.logged_in(limited(max, OnMaxSessions::EndOldest));
    match fixture.insert(key, &record).await {
        InsertOutcome::Done {
            snapshot,
            mut ended,
            ..
        } => {
            ended.sort_unstable();
            let secret = record.secret;
            let opened = Opened {
                key,
                secret,
                snapshot,
            };
            (opened, ended)
        }
        other => panic!("unexpected: {other:?}"),
    }
}

/// The sessions with the earliest logins end, and the one that logs in stays.
pub async fn the_earliest_logins_end_beyond_the_limit<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (first, none) = log_in(&fixture, 3).await;
    assert_eq!(none, []);
    let (second, _) = log_in(&fixture, 3).await;
    let bob = fixture.log_in("bob").await;
    let (third, none) = log_in(&fixture, 3).await;
    assert_eq!(none, []);

    // A later login of the first one makes it the latest, and does not count twice.
    fixture.pass(0.1).await;
    let (record, new) = (fixture.get(&first).await, secret());
    let change = login_as(&record, new, limited(3, OnMaxSessions::EndOldest));
    match fixture.commit(first.key, &change).await {
        CommitOutcome::Applied { ended, .. } => assert_eq!(ended, []),
        other => panic!("unexpected: {other:?}"),
    }
    let first = Opened {
        secret: new,
        ..first
    };
    let (fourth, ended) = log_in(&fixture, 3).await;
    assert_eq!(ended, [second.key.id]);
    assert!(!fixture.is_alive(&second).await);
    assert_eq!(
        fixture.ids_of("ada").await,
        [fourth.key.id, first.key.id, third.key.id]
    );

    // A lower limit ends several, a login of a session without a login too.
    let anonymous = fixture.open(&json!({})).await;
    let (record, new) = (fixture.get(&anonymous).await, secret());
    let change = login_as(&record, new, limited(2, OnMaxSessions::EndOldest));
    let mut expected = [third.key.id, first.key.id];
    expected.sort_unstable();
    match fixture.commit(anonymous.key, &change).await {
        CommitOutcome::Applied { mut ended, .. } => {
            ended.sort_unstable();
            assert_eq!(ended, expected);
        }
        other => panic!("unexpected: {other:?}"),
    }
    assert_eq!(
        fixture.ids_of("ada").await,
        [anonymous.key.id, fourth.key.id]
    );
    let (last, ended) = log_in(&fixture, 1).await;
    assert_eq!(ended.len(), 2);
    assert_eq!(fixture.ids_of("ada").await, [last.key.id]);
    assert!(fixture.is_alive(&bob).await);
}

/// A login beyond the limit is refused, and writes nothing.
pub async fn a_login_beyond_the_limit_is_refused<S: Store<Untyped>>(fixture: Fixture<S>) {
    let limit = || limited(2, OnMaxSessions::Refuse);
    let first = fixture.open_as(fixture.logged_in(limit())).await;
    let second = fixture.open_as(fixture.logged_in(limit())).await;
    let (key, _) = fixture.mint();
    let record = fixture.logged_in(limit());
    let refused = InsertOutcome::<()>::Refused(LoginRefusal::TooManySessions);
    let inserted = fixture.insert(key, &record).await;
    assert_eq!(format!("{inserted:?}"), format!("{refused:?}"));
    assert!(fixture.load(key, record.secret).await.is_none());

    let anonymous = fixture.open(&json!({})).await;
    let record = fixture.get(&anonymous).await;
    let change = login_as(&record, secret(), limit());
    let refused = CommitOutcome::<()>::Refused(LoginRefusal::TooManySessions);
    let committed = fixture.commit(anonymous.key, &change).await;
    assert_eq!(format!("{committed:?}"), format!("{refused:?}"));
    assert_eq!(fixture.get(&anonymous).await.login, None);

    // One of the two may log in again.
    let record = fixture.get(&first).await;
    let again = login_as(&record, secret(), limit());
    fixture.apply(first.key, &again).await;
    assert!(fixture.destroy(second.key).await);
    fixture.apply(anonymous.key, &change).await;
    assert_eq!(fixture.ids_of("ada").await.len(), 2);
}

/// Sessions that have ended, or belong to somebody else, do not count.
pub async fn sessions_that_have_ended_do_not_count<S: Store<Untyped>>(fixture: Fixture<S>) {
    let short = NewRecord {
        lifetime: fixture.lifetime(1.0, 20.0),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    fixture.open_as(short).await;
    let moves = fixture.log_in("ada").await;
    let (record, new) = (fixture.get(&moves).await, secret());
    let change = login_as(&record, new, NewLogin::new("bob"));
    fixture.apply(moves.key, &change).await;
    let destroyed = fixture.log_in("ada").await;
    assert!(fixture.destroy(destroyed.key).await);
    fixture.pass(1.5).await;
    let limit = || fixture.logged_in(limited(2, OnMaxSessions::Refuse));
    let first = fixture.open_as(limit()).await;
    let second = fixture.open_as(limit()).await;
    assert!(fixture.is_alive(&first).await && fixture.is_alive(&second).await);
    let (_, ended) = log_in(&fixture, 2).await;
    assert_eq!(ended, [first.key.id]);
}

/// A login that conflicts, or whose session has ended, ends no other session.
pub async fn a_login_that_is_not_applied_ends_no_session<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (other, _) = log_in(&fixture, 1).await;
    let session = fixture.open(&json!({"a": 1})).await;
    let old = fixture.get(&session).await;
    fixture
        .apply(session.key, &set(&old, &json!({"a": 2})))
        .await;
    let change = Change {
        data: set(&old, &json!({"a": 3})).data,
        ..login_as(&old, secret(), limited(1, OnMaxSessions::EndOldest))
    };
    assert!(matches!(
        fixture.commit(session.key, &change).await,
        CommitOutcome::Conflict(_)
    ));
    assert!(fixture.is_alive(&other).await);
    assert!(fixture.destroy(session.key).await);
    assert!(matches!(
        fixture.commit(session.key, &change).await,
        CommitOutcome::Ended
    ));
    let taken = NewRecord {
        secret: secret(),
        ..fixture.logged_in(limited(1, OnMaxSessions::EndOldest))
    };
    assert!(matches!(
        fixture.insert(other.key, &taken).await,
        InsertOutcome::Exists
    ));
    assert!(fixture.is_alive(&other).await);
    assert_eq!(fixture.ids_of("ada").await, [other.key.id]);
}

const LOGINS: usize = 32;

/// Inserts sessions concurrently with a limited login; returns those that were stored.
async fn log_in_concurrently<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    login: impl Fn() -> NewLogin,
) -> Vec<SessionId> {
    let barrier = Arc::new(Barrier::new(LOGINS));
    let mut tasks = JoinSet::new();
    for _ in 0..LOGINS {
        let (fixture, barrier, login) = (fixture.clone(), barrier.clone(), login());
        tasks.spawn(async move {
            let (key, _) = fixture.mint();
            let record = fixture.logged_in(login);
            barrier.wait().await;
            let inserted = fixture.insert(key, &record).await;
            let alive = fixture.number_of("ada").await;
            assert!(alive <= 3, "{alive} sessions at the moment of an answer");
            matches!(inserted, InsertOutcome::Done { .. }).then_some(key.id)
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

/// Of concurrent logins, as many stay as the limit allows, and never more at the moment of an answer.
pub async fn concurrent_logins_keep_the_limit<S: Store<Untyped>>(fixture: Fixture<S>) {
    for _ in 0..4 {
        let stored = log_in_concurrently(&fixture, || limited(3, OnMaxSessions::EndOldest)).await;
        assert_eq!(stored.len(), LOGINS);
        assert_eq!(fixture.ids_of("ada").await.len(), 3);
        assert_eq!(fixture.count().await, 3);
    }
}

/// Of concurrent logins, exactly as many are accepted as the limit allows.
pub async fn concurrent_logins_are_refused_beyond_the_limit<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    for _ in 0..4 {
        let mut stored = log_in_concurrently(&fixture, || limited(3, OnMaxSessions::Refuse)).await;
        let mut listed = fixture.ids_of("ada").await;
        stored.sort_unstable();
        listed.sort_unstable();
        assert_eq!(stored, listed);
        assert_eq!(stored.len(), 3);
        assert_eq!(fixture.end_all("ada", None).await, listed);
    }
}
