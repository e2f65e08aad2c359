//! Deadlines: requests move the idle deadline but not the absolute one, and a session ends at either.

use serde_json::json;

use crate::record::{Change, LoadRequest};
use crate::store::Store;
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{ABSOLUTE, IDLE, change_of, request, set};
use crate::untyped::Untyped;

/// A session ends after its idle timeout without a request.
pub async fn an_idle_session_ends<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(7.0).await;
    assert!(fixture.is_alive(&opened).await, "before its idle timeout");
    fixture.pass(11.0).await;
    assert!(!fixture.is_alive(&opened).await, "after its idle timeout");
    assert!(!fixture.is_alive(&opened).await, "and it stays ended");
}

/// Loads keep a session alive until its absolute deadline.
pub async fn loads_extend_a_session_until_its_absolute_deadline<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let opened = fixture.open(&json!({})).await;
    let absolute = fixture.get(&opened).await.deadlines.absolute_until;
    for round in 1..=3 {
        fixture.pass(7.0).await;
        let record = fixture.load(opened.key, opened.secret).await;
        let deadlines = record
            .unwrap_or_else(|| panic!("ended in round {round}"))
            .deadlines;
        assert_eq!(deadlines.absolute_until, absolute);
    }
    fixture.pass(6.0).await;
    assert!(
        !fixture.is_alive(&opened).await,
        "27 units have passed, and the deadline was at 25"
    );
}

/// Commits keep a session alive until its absolute deadline.
pub async fn changes_extend_a_session_until_its_absolute_deadline<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let opened = fixture.open(&json!({"at": 0})).await;
    let mut record = fixture.get(&opened).await;
    let absolute = record.deadlines.absolute_until;
    for round in 1..=3 {
        fixture.pass(7.0).await;
        // Without a load in between, so that only the commit can keep the session alive.
        let change = set(&record, &json!({"at": round}));
        let snapshot = fixture.apply(opened.key, &change).await;
        record.snapshot = snapshot.expect("the commit returned no snapshot");
    }
    assert_eq!(
        fixture.get(&opened).await.deadlines.absolute_until,
        absolute
    );
    fixture.pass(6.0).await;
    assert!(
        !fixture.is_alive(&opened).await,
        "27 units have passed, and the deadline was at 25"
    );
}

/// An empty change keeps a session alive, too.
pub async fn an_empty_change_extends_the_idle_deadline<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    let record = fixture.get(&opened).await;
    fixture.pass(7.0).await;
    fixture.apply(opened.key, &change_of(&record)).await;
    fixture.pass(7.0).await;
    assert!(fixture.is_alive(&opened).await);
}

/// A load moves the idle deadline only if a tenth of the idle time, or its `touch_every`, has passed
/// since the last move.
pub async fn touches_are_coalesced<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    let first = fixture.get(&opened).await.deadlines.idle_until;
    for _ in 0..20 {
        assert_eq!(fixture.get(&opened).await.deadlines.idle_until, first);
    }
    fixture.pass(2.0).await;
    let rarely = LoadRequest {
        touch_every: Some(fixture.units(5.0)),
        ..request(opened.secret)
    };
    let record = fixture
        .load_with(opened.key, rarely)
        .await
        .expect("the session was not found");
    assert_eq!(
        record.deadlines.idle_until, first,
        "2 units have passed, and `touch_every` is 5"
    );
    let second = fixture.get(&opened).await.deadlines.idle_until;
    assert!(
        second > first,
        "2 units have passed, more than a tenth of 10"
    );
    assert_eq!(fixture.get(&opened).await.deadlines.idle_until, second);
    if fixture.fake_clock().is_some() {
        fixture.pass(0.9).await;
        let touched = fixture.get(&opened).await.deadlines.idle_until;
        assert_eq!(touched, second, "less than a tenth of 10 has passed");
    }
    fixture.pass(6.0).await;
    let record = fixture
        .load_with(opened.key, rarely)
        .await
        .expect("the session was not found");
    assert!(
        record.deadlines.idle_until > second,
        "6 units have passed, and `touch_every` is 5"
    );
    let third = record.deadlines.idle_until;
    fixture.pass(2.0).await;
    let never = LoadRequest {
        touch_every: Some(fixture.units(IDLE)),
        ..request(opened.secret)
    };
    let record = fixture.load_with(opened.key, never).await;
    assert!(
        record
            .expect("the session was not found")
            .deadlines
            .idle_until
            > third,
        "a `touch_every` as long as the idle time stands for a tenth of it"
    );
}

/// A new lifetime counts both deadlines from now, and later changes and touches keep it.
pub async fn a_lifetime_outlives_changes_and_touches<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    fixture.pass(5.0).await;
    let record = fixture.get(&opened).await;
    let before = record.deadlines;
    let change = Change {
        lifetime: Some(fixture.lifetime(20.0, 35.0)),
        ..change_of(&record)
    };
    fixture.apply(opened.key, &change).await;
    let after = fixture.get(&opened).await.deadlines;
    assert_eq!(after.created_at, before.created_at);
    assert!(after.idle_until >= before.idle_until + fixture.units(9.0));
    assert!(after.absolute_until >= before.absolute_until + fixture.units(14.0));
    fixture
        .apply(opened.key, &set(&record, &json!({"a": 2})))
        .await;
    fixture.pass(15.0).await;
    let record = fixture.get(&opened).await;
    assert_eq!(record.lifetime, fixture.lifetime(20.0, 35.0));
    let touched = record.deadlines;
    assert!(touched.idle_until >= after.idle_until + fixture.units(14.0));
    assert_eq!(touched.absolute_until, after.absolute_until);
    fixture.pass(15.0).await;
    assert!(
        fixture.is_alive(&opened).await,
        "30 units have passed, and the deadline is at 35"
    );
    fixture.pass(6.0).await;
    assert!(
        !fixture.is_alive(&opened).await,
        "36 units have passed, and the deadline was at 35"
    );
}

/// A shorter lifetime ends a session earlier.
pub async fn a_shorter_lifetime_ends_earlier<S: Store<Untyped>>(fixture: Fixture<S>) {
    let idle = fixture.open(&json!({})).await;
    let absolute = fixture.open(&json!({})).await;
    let record = fixture.get(&idle).await;
    for (session, lifetime) in [
        (&idle, fixture.lifetime(3.0, ABSOLUTE)),
        (&absolute, fixture.lifetime(IDLE, 3.0)),
    ] {
        let change = Change {
            lifetime: Some(lifetime),
            ..change_of(&record)
        };
        fixture.apply(session.key, &change).await;
        assert!(fixture.is_alive(session).await);
    }
    fixture.pass(4.0).await;
    assert!(!fixture.is_alive(&idle).await);
    assert!(!fixture.is_alive(&absolute).await);
    assert_eq!(fixture.count().await, 0);
}

/// A lifetime of a century is not an error.
pub async fn a_lifetime_of_a_century_is_valid<S: Store<Untyped>>(fixture: Fixture<S>) {
    let century = std::time::Duration::from_secs(100 * 365 * 86_400);
    let opened = fixture.open(&json!({})).await;
    let change = Change {
        lifetime: Some(crate::record::Lifetime::new(century, century)),
        ..change_of(&fixture.get(&opened).await)
    };
    fixture.apply(opened.key, &change).await;
    fixture.pass(11.0).await;
    assert!(fixture.is_alive(&opened).await);
}

/// At its deadline a session has ended for every operation; a millisecond earlier it has not. Needs a
/// fake clock.
pub async fn a_session_ends_at_its_deadline<S: Store<Untyped>>(fixture: Fixture<S>) {
    let Some(clock) = fixture.fake_clock() else {
        return;
    };
    let millisecond = std::time::Duration::from_millis(1);
    let read = fixture.open(&json!({})).await;
    let changed = fixture.open(&json!({})).await;
    let destroyed = fixture.open(&json!({})).await;
    let record = fixture.get(&read).await;
    clock.advance(fixture.units(IDLE).saturating_sub(millisecond));
    assert_eq!(fixture.count().await, 3);
    // This load moves the deadline of `read` only.
    assert!(fixture.is_alive(&read).await);
    clock.advance(millisecond);
    assert_eq!(fixture.count().await, 1);
    let committed = fixture.commit(changed.key, &change_of(&record)).await;
    assert!(matches!(committed, crate::store::CommitOutcome::Ended));
    assert!(!fixture.destroy(destroyed.key).await);
    clock.advance(fixture.units(IDLE).saturating_sub(millisecond));
    assert!(!fixture.is_alive(&read).await);
    assert_eq!(fixture.count().await, 0);
}
