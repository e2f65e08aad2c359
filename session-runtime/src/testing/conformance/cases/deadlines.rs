//! Deadlines: the idle one slides, the absolute one does not, and at either a session is gone.

use serde_json::json;

use crate::record::{Change, LoadRequest};
use crate::store::Store;
use crate::testing::conformance::Desk;
use crate::testing::conformance::desk::{ABSOLUTE, IDLE, change_of, request, set};
use crate::untyped::Untyped;

/// Nothing was asked of a session for its idle time: it is gone.
pub async fn an_idle_session_ends<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({})).await;
    desk.pass(7.0).await;
    assert!(desk.is_alive(&opened).await, "before its idle time is over");
    desk.pass(11.0).await;
    assert!(!desk.is_alive(&opened).await, "after its idle time");
    assert!(!desk.is_alive(&opened).await, "and it stays so");
}

/// Reading keeps a session alive, until its absolute deadline.
pub async fn reading_keeps_alive_until_the_absolute_deadline<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({})).await;
    let absolute = desk.get(&opened).await.deadlines.absolute_until;
    for round in 1..=3 {
        desk.pass(7.0).await;
        let record = desk.load(opened.key, opened.secret).await;
        let deadlines = record
            .unwrap_or_else(|| panic!("gone in round {round}"))
            .deadlines;
        assert_eq!(deadlines.absolute_until, absolute);
    }
    desk.pass(6.0).await;
    assert!(
        !desk.is_alive(&opened).await,
        "27 units, and 25 was the deadline"
    );
}

/// Changing keeps a session alive, until its absolute deadline.
pub async fn changing_keeps_alive_until_the_absolute_deadline<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"at": 0})).await;
    let mut record = desk.get(&opened).await;
    let absolute = record.deadlines.absolute_until;
    for round in 1..=3 {
        desk.pass(7.0).await;
        // No load in between: the commit alone does it.
        let change = set(&record, &json!({"at": round}));
        let snapshot = desk.apply(opened.key, &change).await;
        record.snapshot = snapshot.expect("the data changed");
    }
    assert_eq!(desk.get(&opened).await.deadlines.absolute_until, absolute);
    desk.pass(6.0).await;
    assert!(
        !desk.is_alive(&opened).await,
        "27 units, and 25 was the deadline"
    );
}

/// A change of nothing keeps a session alive, too.
pub async fn an_empty_change_keeps_alive<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({})).await;
    let record = desk.get(&opened).await;
    desk.pass(7.0).await;
    desk.apply(opened.key, &change_of(&record)).await;
    desk.pass(7.0).await;
    assert!(desk.is_alive(&opened).await);
}

/// The idle deadline is written anew once a tenth of the idle time has passed, or what the load
/// says, and not before.
pub async fn touches_are_coalesced<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({})).await;
    let first = desk.get(&opened).await.deadlines.idle_until;
    for _ in 0..20 {
        assert_eq!(desk.get(&opened).await.deadlines.idle_until, first);
    }
    desk.pass(2.0).await;
    let rarely = LoadRequest {
        touch_every: Some(desk.units(5.0)),
        ..request(opened.secret)
    };
    let record = desk.load_with(opened.key, rarely).await.expect("alive");
    assert_eq!(
        record.deadlines.idle_until, first,
        "2 of 5 units have passed"
    );
    let second = desk.get(&opened).await.deadlines.idle_until;
    assert!(second > first, "2 units are more than a tenth of 10");
    assert_eq!(desk.get(&opened).await.deadlines.idle_until, second);
    desk.pass(6.0).await;
    let record = desk.load_with(opened.key, rarely).await.expect("alive");
    assert!(
        record.deadlines.idle_until > second,
        "6 of 5 units have passed"
    );
}

/// A longer life, once given, outlives changes and touches, and both deadlines count from when it
/// was given.
pub async fn a_lifetime_outlives_changes_and_touches<S: Store<Untyped>>(desk: Desk<S>) {
    let opened = desk.open(&json!({"a": 1})).await;
    desk.pass(5.0).await;
    let record = desk.get(&opened).await;
    let before = record.deadlines;
    let change = Change {
        lifetime: Some(desk.lifetime(20.0, 35.0)),
        ..change_of(&record)
    };
    desk.apply(opened.key, &change).await;
    let after = desk.get(&opened).await.deadlines;
    assert_eq!(after.created_at, before.created_at);
    assert!(after.idle_until >= before.idle_until + desk.units(9.0));
    assert!(after.absolute_until >= before.absolute_until + desk.units(14.0));
    desk.apply(opened.key, &set(&record, &json!({"a": 2})))
        .await;
    desk.pass(15.0).await;
    let record = desk.get(&opened).await;
    assert_eq!(record.lifetime, desk.lifetime(20.0, 35.0));
    let touched = record.deadlines;
    assert!(touched.idle_until >= after.idle_until + desk.units(14.0));
    assert_eq!(touched.absolute_until, after.absolute_until);
    desk.pass(15.0).await;
    assert!(desk.is_alive(&opened).await, "30 units of 35");
    desk.pass(6.0).await;
    assert!(!desk.is_alive(&opened).await, "36 units of 35");
}

/// A shorter life, once given, ends the session earlier.
pub async fn a_shorter_lifetime_ends_earlier<S: Store<Untyped>>(desk: Desk<S>) {
    let idle = desk.open(&json!({})).await;
    let absolute = desk.open(&json!({})).await;
    let record = desk.get(&idle).await;
    for (session, lifetime) in [
        (&idle, desk.lifetime(3.0, ABSOLUTE)),
        (&absolute, desk.lifetime(IDLE, 3.0)),
    ] {
        let change = Change {
            lifetime: Some(lifetime),
            ..change_of(&record)
        };
        desk.apply(session.key, &change).await;
        assert!(desk.is_alive(session).await);
    }
    desk.pass(4.0).await;
    assert!(!desk.is_alive(&idle).await);
    assert!(!desk.is_alive(&absolute).await);
    assert_eq!(desk.count().await, 0);
}

/// A life beyond all time is a life, and no error.
pub async fn a_life_beyond_all_time_is_a_life<S: Store<Untyped>>(desk: Desk<S>) {
    let century = std::time::Duration::from_secs(100 * 365 * 86_400);
    let opened = desk.open(&json!({})).await;
    let change = Change {
        lifetime: Some(crate::record::Lifetime::new(century, century)),
        ..change_of(&desk.get(&opened).await)
    };
    desk.apply(opened.key, &change).await;
    desk.pass(11.0).await;
    assert!(desk.is_alive(&opened).await);
}

/// At the very moment of its deadline a session is gone for every verb, and a moment before it is
/// not. Needs a clock that stands still.
pub async fn at_its_deadline_a_session_is_gone<S: Store<Untyped>>(desk: Desk<S>) {
    let Some(clock) = desk.exact() else {
        return;
    };
    let moment = std::time::Duration::from_millis(1);
    let read = desk.open(&json!({})).await;
    let changed = desk.open(&json!({})).await;
    let destroyed = desk.open(&json!({})).await;
    let record = desk.get(&read).await;
    clock.advance(desk.units(IDLE).saturating_sub(moment));
    assert_eq!(desk.count().await, 3);
    // A load at the last moment, which slides the deadline: the other two stay where they are.
    assert!(desk.is_alive(&read).await);
    clock.advance(moment);
    assert_eq!(desk.count().await, 1);
    let committed = desk.commit(changed.key, &change_of(&record)).await;
    assert!(matches!(committed, crate::store::Committed::Gone));
    assert!(!desk.destroy(destroyed.key).await);
    clock.advance(desk.units(IDLE).saturating_sub(moment));
    assert!(!desk.is_alive(&read).await);
    assert_eq!(desk.count().await, 0);
}
