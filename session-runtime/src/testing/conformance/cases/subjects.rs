//! The sessions of a subject: what is listed.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;

use crate::record::{Change, LONGEST_SUBJECT, LoginChange, NewLogin, NewRecord};
use crate::sid::SessionId;
use crate::store::{CommitOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, change_login, login, secret, set};
use crate::timestamp::Timestamp;
use crate::untyped::Untyped;

/// Logs a stored session in, and returns it with its new secret.
pub(super) async fn log_in_again<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    session: &Opened,
    subject: &str,
) -> Opened {
    let (record, secret) = (fixture.get(session).await, secret());
    fixture
        .apply(session.key, &login(&record, secret, subject))
        .await;
    Opened {
        secret,
        ..session.clone()
    }
}

/// A list shows the sessions of a subject with their times, the latest login first.
pub async fn logins_are_listed_the_latest_first<S: Store<Untyped>>(fixture: Fixture<S>) {
    let created = fixture.open(&json!({"a": 1})).await;
    fixture.pass(0.1).await;
    let inserted = fixture.log_in("ada").await;
    fixture.pass(0.1).await;
    let committed = log_in_again(&fixture, &created, "ada").await;
    let (record, other) = (fixture.get(&committed).await, fixture.get(&inserted).await);

    let index = fixture.index();
    let page = index.list(fixture.subject("ada"), None, 10).await;
    let sessions = page.expect("list failed").sessions;
    let [first, second] = &sessions[..] else {
        panic!("two sessions are expected: {sessions:?}");
    };
    assert_eq!((first.id, second.id), (created.key.id, inserted.key.id));
    for (listed, record) in [(first, &record), (second, &other)] {
        let login = record.login.as_ref().expect("logged in");
        assert_eq!(&*login.subject, "ada");
        assert_eq!((login.level, listed.level), (1, 1));
        assert_eq!(Timestamp::from(listed.logged_in_at), login.logged_in_at);
        assert_eq!(Timestamp::from(listed.authenticated_at), login.logged_in_at);
        assert_eq!(
            Timestamp::from(listed.created_at),
            record.deadlines.created_at
        );
        assert_eq!(
            Timestamp::from(listed.expires_at),
            record.deadlines.expires_at()
        );
        let seen = record.deadlines.idle_until - record.lifetime.idle();
        assert_eq!(Timestamp::from(listed.last_seen_at), seen);
        assert!(!listed.is_current && listed.label.is_none());
    }
    assert!(first.logged_in_at > second.logged_in_at);
    assert!(first.logged_in_at > first.created_at);
    assert_eq!(second.logged_in_at, second.created_at);
}

/// A session is not listed after it has ended, was reset, or belongs to somebody else.
pub async fn a_list_shows_only_sessions_that_the_subject_has_now<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let (stays, moves) = (fixture.log_in("ada").await, fixture.log_in("ada").await);
    let (reset, destroyed) = (fixture.log_in("ada").await, fixture.log_in("ada").await);
    let short = NewRecord {
        lifetime: fixture.lifetime(1.0, 20.0),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let expired = fixture.open_as(short).await;
    fixture.open(&json!({})).await;
    assert_eq!(fixture.ids_of("ada").await.len(), 5);

    let of_bob = log_in_again(&fixture, &moves, "bob").await;
    let record = fixture.get(&reset).await;
    let change = change_login(&record, secret(), true, LoginChange::Clear);
    fixture.apply(reset.key, &change).await;
    assert!(fixture.destroy(destroyed.key).await);
    fixture.pass(1.5).await;
    assert_eq!(fixture.ids_of("ada").await, [stays.key.id]);
    assert_eq!(fixture.ids_of("bob").await, [moves.key.id]);
    assert_eq!(fixture.ids_of("carl").await, []);
    assert!(!fixture.is_alive(&expired).await);

    // Back again, and once more as the same subject.
    let back = log_in_again(&fixture, &of_bob, "ada").await;
    let back = log_in_again(&fixture, &back, "ada").await;
    assert_eq!(fixture.ids_of("bob").await, []);
    let both = HashSet::from([stays.key.id, moves.key.id]);
    assert_eq!(HashSet::from_iter(fixture.ids_of("ada").await), both);
    assert!(fixture.is_alive(&back).await);
}

/// A list in parts shows each session once, also if some end between two parts.
pub async fn a_list_has_pages<S: Store<Untyped>>(fixture: Fixture<S>) {
    let mut opened = Vec::new();
    for _ in 0..7 {
        opened.push(fixture.log_in("ada").await);
    }
    let all = fixture.ids_of("ada").await;
    assert_eq!(HashSet::<SessionId>::from_iter(all.clone()).len(), 7);

    let (index, subject) = (fixture.index(), fixture.subject("ada"));
    let mut after = None;
    let mut seen = Vec::new();
    for part in 0..3 {
        let page = index.list(subject, after, 3).await.expect("list failed");
        seen.extend(page.sessions.iter().map(|session| session.id));
        if part == 0 {
            // The next part begins after a session that has ended.
            let last = *seen.last().expect("a session");
            let key = opened.iter().find(|session| session.key.id == last);
            assert!(fixture.destroy(key.expect("was opened").key).await);
        }
        after = page.next;
        assert_eq!(after.is_some(), part < 2, "after {part}");
    }
    assert_eq!(seen, all);
    let none = index.list(subject, None, 0).await.expect("list failed");
    assert_eq!(none.sessions, []);
}

/// A label is set, changed and removed; a change of the secret keeps it, and a reset removes it.
pub async fn a_list_shows_the_label<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = NewRecord {
        label: Some("Firefox \"on\" Linux 🦊".into()),
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let mut session = fixture.open_as(record).await;
    let (index, subject) = (fixture.index(), fixture.subject("ada"));
    let label = || async {
        let page = index.list(subject, None, 10).await.expect("list failed");
        page.sessions[0].label.clone()
    };
    assert_eq!(label().await.as_deref(), Some("Firefox \"on\" Linux 🦊"));

    session = log_in_again(&fixture, &session, "ada").await;
    assert_eq!(label().await.as_deref(), Some("Firefox \"on\" Linux 🦊"));
    let record = fixture.get(&session).await;
    fixture
        .apply(session.key, &set(&record, &json!({"a": 1})))
        .await;
    assert_eq!(label().await.as_deref(), Some("Firefox \"on\" Linux 🦊"));

    let mut data;
    for (new, expected) in [
        ("phone", Some("phone")),
        ("", None),
        ("tablet", Some("tablet")),
    ] {
        let record = fixture.get(&session).await;
        data = json!({"a": 1, "label": expected});
        let change = Change {
            label: Some(new.into()),
            ..set(&record, &data)
        };
        fixture.apply(session.key, &change).await;
        assert_eq!(label().await.as_deref(), expected);
        assert_eq!(fixture::json(&fixture.get(&session).await.snapshot), data);
    }

    let (record, new) = (fixture.get(&session).await, secret());
    fixture
        .apply(
            session.key,
            &change_login(&record, new, true, LoginChange::Clear),
        )
        .await;
    session.secret = new;
    log_in_again(&fixture, &session, "ada").await;
    assert_eq!(label().await, None);
}

/// Another proof of identity changes its time and the level; the login, the generation and the deadlines
/// stay.
pub async fn another_proof_changes_the_level_and_not_the_login<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let mut session = fixture.log_in("ada").await;
    let before = fixture.get(&session).await;
    for (level, expected) in [(None, 1), (Some(2), 2), (None, 2)] {
        fixture.pass(0.1).await;
        let (record, new) = (fixture.get(&session).await, secret());
        let change = LoginChange::Authenticate { level };
        fixture
            .apply(session.key, &change_login(&record, new, false, change))
            .await;
        session.secret = new;
        let (was, now) = (record.login, fixture.get(&session).await.login);
        let (was, now) = (was.expect("logged in"), now.expect("logged in"));
        assert_eq!((now.level, now.logged_in_at), (expected, was.logged_in_at));
        assert!(now.authenticated_at > was.authenticated_at);
        assert_eq!(fixture.ids_of("ada").await, [session.key.id]);
    }
    let after = fixture.get(&session).await;
    assert_eq!(after.generation, before.generation);
    assert_eq!(
        after.deadlines.absolute_until,
        before.deadlines.absolute_until
    );

    // Without a login there is nothing to prove.
    let anonymous = fixture.open(&json!({})).await;
    let (record, new) = (fixture.get(&anonymous).await, secret());
    let change = LoginChange::Authenticate { level: Some(2) };
    fixture
        .apply(anonymous.key, &change_login(&record, new, false, change))
        .await;
    let anonymous = Opened {
        secret: new,
        ..anonymous
    };
    assert_eq!(fixture.get(&anonymous).await.login, None);
}

/// Subjects are compared byte by byte, whatever they contain.
pub async fn any_text_is_a_subject<S: Store<Untyped>>(fixture: Fixture<S>) {
    let long = "x".repeat(100_000);
    let longer = format!("{long}y");
    let subjects = [
        "",
        " ",
        "ada",
        "Ada",
        "ada ",
        "ada\0",
        "a\"'`;--",
        "%",
        "_",
        "*",
        "zoë",
        "zoe\u{308}",
        "🦀",
        "\r\n",
        &long,
        &longer,
    ];
    let mut sessions = Vec::new();
    for subject in subjects {
        sessions.push(fixture.log_in(subject).await);
    }
    for (subject, session) in subjects.iter().zip(&sessions) {
        assert_eq!(
            fixture.ids_of(subject).await,
            [session.key.id],
            "{subject:.9}"
        );
        assert_eq!(fixture.get(session).await.subject(), Some(*subject));
    }
    for (subject, session) in subjects.iter().zip(&sessions) {
        assert_eq!(fixture.end_all(subject, None).await, [session.key.id]);
    }
}

/// The longest subject, with what a database may treat in another way.
pub async fn a_subject_of_a_megabyte_is_kept<S: Store<Untyped>>(fixture: Fixture<S>) {
    let part = "\0\"'\\`é🦀";
    let mut subject = part.repeat(LONGEST_SUBJECT / part.len());
    subject.push_str(&"x".repeat(LONGEST_SUBJECT - subject.len()));
    let inserted = fixture.log_in(&subject).await;
    let record = fixture.get(&inserted).await;
    assert!(record.subject() == Some(&*subject), "it is changed");
    let created = fixture.open(&json!({})).await;
    let committed = log_in_again(&fixture, &created, &subject).await;
    let record = fixture.get(&committed).await;
    assert!(record.subject() == Some(&*subject), "it is changed");

    let mut both = vec![inserted.key.id, committed.key.id];
    both.sort_unstable();
    assert_eq!(fixture.number_of(&subject).await, 2);
    assert_eq!(fixture.ids_of(&subject[..subject.len() - 1]).await, []);
    assert_eq!(fixture.end_all(&subject, None).await, both);
    assert!(!fixture.is_alive(&inserted).await && !fixture.is_alive(&committed).await);
}

/// A login that is sent twice is applied once.
pub async fn a_repeated_login_is_applied_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    let session = fixture.open(&json!({})).await;
    let record = fixture.get(&session).await;
    let new = secret();
    let change = login(&record, new, "ada");
    fixture.apply(session.key, &change).await;
    fixture.apply(session.key, &change).await;
    assert_eq!(fixture.ids_of("ada").await, [session.key.id]);
    let session = Opened {
        secret: new,
        ..session
    };
    assert_eq!(fixture.get(&session).await.epoch, 1);
    assert_eq!(fixture.end_all("ada", None).await, [session.key.id]);
    assert!(matches!(
        fixture.commit(session.key, &change).await,
        CommitOutcome::Ended
    ));
    assert_eq!(fixture.ids_of("ada").await, []);
}

/// A session that changes between two subjects while both are ended and listed is always in the list of
/// its subject: once it is quiet, an end of all reaches it.
pub async fn a_session_that_changes_its_subject_is_never_lost<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    for _ in 0..8 {
        let mut session = fixture.open(&json!({})).await;
        let barrier = Arc::new(Barrier::new(2));
        let other = {
            let (fixture, barrier) = (fixture.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                for _ in 0..4 {
                    fixture.number_of("ada").await;
                    fixture.end_all("bob", None).await;
                }
            })
        };
        barrier.wait().await;
        let mut is_alive = true;
        for subject in ["ada", "bob", "ada", "bob", "ada"] {
            let Some(record) = fixture.load(session.key, session.secret).await else {
                is_alive = false;
                break;
            };
            let new = secret();
            let change = login(&record, new, subject);
            match fixture.commit(session.key, &change).await {
                CommitOutcome::Applied { .. } => session.secret = new,
                CommitOutcome::Ended => {
                    is_alive = false;
                    break;
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
        other.await.expect("no panic");
        let expected = is_alive.then_some(session.key.id);
        assert_eq!(fixture.ids_of("ada").await, Vec::from_iter(expected));
        assert_eq!(fixture.end_all("ada", None).await, Vec::from_iter(expected));
        assert!(!fixture.is_alive(&session).await);
    }
}
