//! What an administrator sees of a session.

use serde_json::json;

use crate::data::EncodedFields;
use crate::record::{NewLogin, NewRecord, OnMaxSessions, SessionLimit};
use crate::store::{Inspected, LiveCount, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{IDLE, secret, set};
use crate::timestamp::Timestamp;
use crate::untyped::Untyped;

/// A field that only this case has, and whose text no store may change.
const TEXT: &str = "<b>\"\u{0}\\ é";

/// The names and the JSON texts of the fields.
fn texts(fields: &EncodedFields) -> Vec<(&str, &str)> {
    let fields = fields.iter();
    fields.map(|(name, text)| (&**name, text.get())).collect()
}

/// An administrator sees the times, the login, the label and the data of a session, under the key alone.
pub async fn a_session_is_shown_by_its_id<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (ada, laptop) = ("ada\0\\ \"é\"", "laptop\0\\ <b>");
    let record = NewRecord {
        label: Some(laptop.into()),
        login: Some(NewLogin {
            level: 3,
            ..NewLogin::new(ada)
        }),
        ..fixture.new_record(secret(), &json!({"b": [1, {"c": null}], "a": TEXT}))
    };
    let session = fixture.open_as(record).await;
    let record = fixture.get(&session).await;
    fixture
        .apply(session.key, &set(&record, &json!({"a": TEXT, "b": 2})))
        .await;
    let record = fixture.get(&session).await;

    let shown = fixture.inspect(session.key).await.expect("it is alive");
    assert_eq!(shown.id, session.key.id);
    assert_eq!(shown.login, record.login);
    let login = shown.login.as_deref().expect("it has a login");
    assert_eq!((&*login.subject, login.level), (ada, 3));
    assert_eq!(shown.label.as_deref(), Some(laptop));
    let deadlines = &record.deadlines;
    assert_eq!(Timestamp::from(shown.created_at), deadlines.created_at);
    assert_eq!(Timestamp::from(shown.expires_at), deadlines.expires_at());
    // A store that estimates the time of its server may have created the session by a slightly later time.
    let seen = (deadlines.idle_until - record.lifetime.idle()).max(deadlines.created_at);
    assert_eq!(Timestamp::from(shown.last_seen_at), seen);
    let text = json!(TEXT).to_string();
    assert_eq!(texts(&shown.fields), [("a", &*text), ("b", "2")]);

    let mut elsewhere = session.key;
    elsewhere.namespace = fixture.elsewhere().namespace;
    assert!(fixture.inspect(elsewhere).await.is_none());
    assert!(fixture.inspect(fixture.mint().0).await.is_none());
}

/// A session that belongs to no user, without a label and with empty data, is shown too.
pub async fn a_session_without_a_user_is_shown<S: Store<Untyped>>(fixture: Fixture<S>) {
    let session = fixture.open(&json!({})).await;
    let shown = fixture.inspect(session.key).await.expect("it is alive");
    assert_eq!((shown.login, shown.label), (None, None));
    assert!(shown.fields.is_empty());
    assert_eq!(shown.last_seen_at, shown.created_at);
}

/// A session is not shown after a deadline, after it was destroyed or ended, or when only its tombstone is left.
pub async fn a_session_that_has_ended_is_not_shown<S: Store<Untyped>>(fixture: Fixture<S>) {
    let replaced = fixture.log_in("ada").await;
    let only_one = NewLogin {
        limit: Some(SessionLimit {
            max: std::num::NonZeroU32::MIN,
            when_reached: OnMaxSessions::EndOldest,
        }),
        ..NewLogin::new("ada")
    };
    let ended = fixture.open_as(fixture.logged_in(only_one)).await;
    assert!(fixture.inspect(replaced.key).await.is_none());
    assert!(fixture.inspect(ended.key).await.is_some());
    fixture.end_all("ada", None).await;
    assert!(fixture.inspect(ended.key).await.is_none());

    let destroyed = fixture.open(&json!({"a": 1})).await;
    assert!(fixture.destroy(destroyed.key).await);
    assert!(fixture.inspect(destroyed.key).await.is_none());

    let expired = fixture.open(&json!({"a": 1})).await;
    fixture.pass(IDLE + 1.0).await;
    assert!(fixture.inspect(expired.key).await.is_none());
}

/// A look moves no deadline, and a session that was only looked at was never used.
pub async fn a_look_at_a_session_is_no_use_of_it<S: Store<Untyped>>(fixture: Fixture<S>) {
    let unused = NewRecord {
        first_use_timeout: Some(fixture.units(IDLE / 2.0)),
        ..fixture.new_record(secret(), &json!({}))
    };
    let unused = fixture.open_as(unused).await;
    let session = fixture.open(&json!({"a": 1})).await;
    let before = fixture.inspect(session.key).await.expect("it is alive");
    fixture.pass(IDLE / 4.0).await;
    let after = fixture.inspect(session.key).await.expect("it is alive");
    assert!(fixture.inspect(unused.key).await.is_some());
    assert_eq!(before.expires_at, after.expires_at);
    assert_eq!(before.last_seen_at, after.last_seen_at);
    fixture.pass(IDLE / 2.0).await;
    assert!(fixture.inspect(unused.key).await.is_none());
    assert!(fixture.inspect(session.key).await.is_some());
    fixture.pass(IDLE / 2.0).await;
    assert!(fixture.inspect(session.key).await.is_none());
}

/// `Debug` of what is shown has neither the user nor the data.
pub async fn what_is_shown_prints_nothing_personal<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = NewRecord {
        label: Some("a label".into()),
        login: Some(NewLogin::new("a subject")),
        ..fixture.new_record(secret(), &json!({"a field": "a value"}))
    };
    let session = fixture.open_as(record).await;
    let shown = fixture.inspect(session.key).await.expect("it is alive");
    let text = format!("{shown:?}");
    for part in ["a label", "a subject", "a field", "a value"] {
        assert!(!text.contains(part), "{text}");
    }
    let Inspected { fields, .. } = shown;
    assert_eq!(texts(&fields), [("a field", "\"a value\"")]);
}

/// The living sessions of a namespace are counted, at least up to the given number, or it is said that they are not.
pub async fn the_living_sessions_are_counted<S: Store<Untyped>>(fixture: Fixture<S>) {
    let other = fixture.elsewhere();
    other.open(&json!({})).await;
    let destroyed = fixture.open(&json!({})).await;
    assert!(fixture.destroy(destroyed.key).await);
    for _ in 0..5 {
        fixture.open(&json!({})).await;
    }
    if fixture.live_count(100).await == LiveCount::NotCounted {
        return;
    }
    assert_eq!(fixture.live_count(100).await, LiveCount::Exact(5));
    assert_eq!(other.live_count(100).await, LiveCount::Exact(1));
    let limited = fixture.live_count(5).await;
    assert!(
        matches!(limited, LiveCount::Exact(5) | LiveCount::AtLeast(5)),
        "{limited:?}"
    );
    let limited = fixture.live_count(3).await;
    assert!(
        matches!(limited, LiveCount::Exact(5) | LiveCount::AtLeast(3)),
        "{limited:?}"
    );
    fixture.pass(IDLE + 1.0).await;
    assert_eq!(fixture.live_count(100).await, LiveCount::Exact(0));
}
