//! The ends of the sessions of a subject, and the logins that do not survive them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::subjects::log_in_again;
use crate::record::{Change, NewLogin, NewRecord, RevocationMark};
use crate::store::{CommitOutcome, InsertOutcome, LoginRefusal, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, login_as, secret, set};
use crate::timestamp::Timestamp;
use crate::untyped::Untyped;

/// One session is ended by its id, if it belongs to the subject.
pub async fn one_session_is_ended_by_its_subject_only<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (first, second) = (fixture.log_in("ada").await, fixture.log_in("ada").await);
    let anonymous = fixture.open(&json!({})).await;
    let end = |subject, session: &Opened| {
        let ended = fixture
            .index()
            .end(fixture.subject(subject), session.key.id);
        async move { ended.await.expect("end failed") }
    };
    assert!(!end("bob", &first).await && !end("", &anonymous).await);
    assert!(fixture.is_alive(&first).await && fixture.is_alive(&anonymous).await);
    assert!(end("ada", &first).await);
    assert!(!fixture.is_alive(&first).await && fixture.is_alive(&second).await);
    assert!(!end("ada", &first).await, "it has ended already");
    assert_eq!(fixture.ids_of("ada").await, [second.key.id]);

    // It belongs to somebody else by now.
    let moved = log_in_again(&fixture, &second, "bob").await;
    assert!(!end("ada", &moved).await && fixture.is_alive(&moved).await);
    assert!(end("bob", &moved).await);
}

/// All sessions of a subject end, and no other: not that of another subject, nor of the same one in
/// another namespace.
pub async fn all_sessions_of_a_subject_are_ended<S: Store<Untyped>>(fixture: Fixture<S>) {
    let other = fixture.elsewhere();
    let mut ada = Vec::new();
    for _ in 0..5 {
        ada.push(fixture.log_in("ada").await);
    }
    let bob = fixture.log_in("bob").await;
    let elsewhere = other.log_in("ada").await;
    let moved = log_in_again(&fixture, &ada.pop().expect("five"), "bob").await;

    let mut ids: Vec<_> = ada.iter().map(|session| session.key.id).collect();
    ids.sort_unstable();
    assert_eq!(fixture.end_all("ada", None).await, ids);
    for session in &ada {
        assert!(!fixture.is_alive(session).await);
    }
    assert_eq!(fixture.ids_of("ada").await, []);
    assert!(fixture.is_alive(&bob).await && fixture.is_alive(&moved).await);
    assert!(other.is_alive(&elsewhere).await);
    assert_eq!(fixture.end_all("ada", None).await, [], "none is left");
    assert_eq!(fixture.end_all("nobody", None).await, []);

    let new = fixture.log_in("ada").await;
    assert_eq!(
        fixture.ids_of("ada").await,
        [new.key.id],
        "a login afterwards"
    );
}

/// One session can be spared; it can still be used.
pub async fn all_sessions_but_one_are_ended<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (kept, ended) = (fixture.log_in("ada").await, fixture.log_in("ada").await);
    let loaded = fixture.get(&kept).await;
    assert_eq!(
        fixture.end_all("ada", Some(kept.key.id)).await,
        [ended.key.id]
    );
    assert_eq!(fixture.ids_of("ada").await, [kept.key.id]);
    fixture
        .apply(kept.key, &set(&loaded, &json!({"a": 1})))
        .await;
    // The session of somebody else spares nothing.
    let foreign = fixture.log_in("bob").await;
    let ended = fixture.end_all("ada", Some(foreign.key.id)).await;
    assert_eq!(ended, [kept.key.id]);
}

fn fenced(fence: RevocationMark) -> NewLogin {
    NewLogin {
        fence: Some(fence),
        ..NewLogin::new("ada")
    }
}

/// A login whose fence is from before an end of all is refused, and writes nothing.
pub async fn a_login_from_before_an_end_of_all_is_refused<S: Store<Untyped>>(fixture: Fixture<S>) {
    let session = fixture.open(&json!({"a": 1})).await;
    let mut fences = vec![fixture.mark("ada").await];
    for round in 0..3 {
        let fence = fixture.mark("ada").await;
        let accepted = fixture.open_as(fixture.logged_in(fenced(fence))).await;
        fixture.end_all("ada", None).await;
        assert!(!fixture.is_alive(&accepted).await);
        fences.push(fence);
        assert!(fixture.mark("ada").await > fence, "round {round}");
        assert_eq!(fixture.mark("bob").await, RevocationMark::default());
        for fence in &fences {
            let (key, _) = fixture.mint();
            let record = fixture.logged_in(fenced(*fence));
            let inserted = fixture.insert(key, &record).await;
            let refused = InsertOutcome::<()>::Refused(LoginRefusal::Revoked);
            assert_eq!(format!("{inserted:?}"), format!("{refused:?}"));
            assert!(fixture.load(key, record.secret).await.is_none());

            let record = fixture.get(&session).await;
            let change = Change {
                data: set(&record, &json!({"a": 2})).data,
                ..login_as(&record, secret(), fenced(*fence))
            };
            let committed = fixture.commit(session.key, &change).await;
            let refused = CommitOutcome::<()>::Refused(LoginRefusal::Revoked);
            assert_eq!(format!("{committed:?}"), format!("{refused:?}"));
            let after = fixture.get(&session).await;
            assert_eq!((after.epoch, after.login), (record.epoch, None));
            assert_eq!(fixture::json(&after.snapshot), json!({"a": 1}));
        }
        assert_eq!(fixture.ids_of("ada").await, []);
    }
    let (record, fence) = (fixture.get(&session).await, fixture.mark("ada").await);
    let change = login_as(&record, secret(), fenced(fence));
    fixture.apply(session.key, &change).await;
    assert_eq!(fixture.ids_of("ada").await, [session.key.id]);
    let never = fixture.logged_in(fenced(RevocationMark::NEVER));
    let (key, _) = fixture.mint();
    let inserted = fixture.insert(key, &never).await;
    assert!(matches!(
        inserted,
        InsertOutcome::Refused(LoginRefusal::Revoked)
    ));
}

/// A mark that was forgotten meanwhile refuses no login: it was raised long before the attempt began.
pub async fn a_login_with_a_forgotten_mark_is_accepted<S: Store<Untyped>>(fixture: Fixture<S>) {
    let fence = RevocationMark::default().next(Timestamp::now());
    assert_eq!(fixture.mark("ada").await, RevocationMark::default());
    let inserted = fixture.open_as(fixture.logged_in(fenced(fence))).await;
    let session = fixture.open(&json!({})).await;
    let record = fixture.get(&session).await;
    fixture
        .apply(session.key, &login_as(&record, secret(), fenced(fence)))
        .await;
    let both = HashSet::from([inserted.key.id, session.key.id]);
    assert_eq!(HashSet::from_iter(fixture.ids_of("ada").await), both);

    let (key, _) = fixture.mint();
    let never = fixture.logged_in(fenced(RevocationMark::NEVER));
    let inserted = fixture.insert(key, &never).await;
    assert!(matches!(
        inserted,
        InsertOutcome::Refused(LoginRefusal::Revoked)
    ));
}

/// A mark is kept for a while though the subject has no session, and is never given twice.
pub async fn a_mark_is_kept_without_sessions<S: Store<Untyped>>(fixture: Fixture<S>) {
    assert_eq!(fixture.mark("ada").await, RevocationMark::default());
    fixture.end_all("ada", None).await;
    let first = fixture.mark("ada").await;
    assert!(first > RevocationMark::default());
    // A session that comes and goes does not take the mark with it.
    let session = fixture.log_in("ada").await;
    assert!(fixture.destroy(session.key).await);
    assert_eq!(fixture.mark("ada").await, first);
    fixture.end_all("ada", None).await;
    let second = fixture.mark("ada").await;
    assert!(second > first);
    if let Some(clock) = fixture.fake_clock() {
        let kept = std::time::Duration::from_millis(RevocationMark::KEPT_MILLIS);
        let almost = kept.saturating_sub(std::time::Duration::from_millis(1));
        clock.advance(almost);
        assert_eq!(fixture.mark("ada").await, second);
        fixture.end_all("ada", None).await;
        let third = fixture.mark("ada").await;
        assert!(third > second);
        // The time of the second is over, that of the third is not.
        clock.advance(almost);
        let session = fixture.log_in("ada").await;
        assert!(fixture.destroy(session.key).await);
        assert_eq!(fixture.mark("ada").await, third);
        clock.advance(kept);
        fixture.end_all("ada", None).await;
        assert!(fixture.mark("ada").await > third, "never twice");
    }
}

/// Hundreds of sessions of one subject are listed in parts, and ended at once.
pub async fn hundreds_of_sessions_are_listed_and_ended<S: Store<Untyped>>(fixture: Fixture<S>) {
    const SESSIONS: usize = 300;
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let fixture = fixture.clone();
        tasks.spawn(async move {
            for _ in 0..SESSIONS / 10 {
                fixture.log_in("ada").await;
            }
        });
    }
    tasks.join_all().await;
    let (index, subject) = (fixture.index(), fixture.subject("ada"));
    let (mut after, mut seen) = (None, HashSet::new());
    loop {
        let page = index.list(subject, after, 70).await.expect("list failed");
        assert!(page.sessions.len() <= 70);
        for session in page.sessions {
            assert!(seen.insert(session.id), "listed twice");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), SESSIONS);
    let ended = fixture.end_all("ada", None).await;
    assert_eq!(HashSet::from_iter(ended), seen);
    assert_eq!(fixture.ids_of("ada").await, []);
    assert_eq!(fixture.count().await, 0);
}

/// Logins that began before an end of all, and are committed at the same time, do not survive it.
pub async fn logins_at_the_same_time_as_an_end_of_all_do_not_survive<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    const LOGINS: usize = 16;
    for round in 0..8 {
        let fence = fixture.mark("ada").await;
        let barrier = Arc::new(Barrier::new(LOGINS + 1));
        let mut tasks = JoinSet::new();
        for at in 0..LOGINS {
            let (fixture, barrier) = (fixture.clone(), barrier.clone());
            let session = if at % 2 == 0 {
                Some(fixture.open(&json!({})).await)
            } else {
                None
            };
            tasks.spawn(async move {
                let new = secret();
                if let Some(session) = session {
                    let record = fixture.get(&session).await;
                    barrier.wait().await;
                    let change = login_as(&record, new, fenced(fence));
                    let committed = fixture.commit(session.key, &change).await;
                    let is_applied = matches!(committed, CommitOutcome::Applied { .. });
                    return (session.key, new, is_applied);
                }
                let (key, _) = fixture.mint();
                let record = NewRecord {
                    secret: new,
                    ..fixture.logged_in(fenced(fence))
                };
                barrier.wait().await;
                let inserted = fixture.insert(key, &record).await;
                (key, new, matches!(inserted, InsertOutcome::Done { .. }))
            });
        }
        let ender = {
            let (fixture, barrier) = (fixture.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                fixture.end_all("ada", None).await
            })
        };
        let logins = tasks.join_all().await;
        let ended_ids = ender.await.expect("no panic");
        let applied: HashSet<_> = (logins.iter())
            .filter(|(.., is_applied)| *is_applied)
            .map(|(key, ..)| key.id)
            .collect();
        assert_eq!(HashSet::from_iter(ended_ids), applied, "round {round}");
        for (key, secret, _) in logins {
            assert!(
                fixture
                    .load(key, secret)
                    .await
                    .is_none_or(|record| record.login.is_none())
            );
        }
        assert_eq!(fixture.ids_of("ada").await, []);
    }
}
