//! Renewal: a load offers a second secret, whose first use makes it the current one.

use std::collections::HashSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::record::{Key, LoadRequest, NewLogin, NewRecord, Record, Renewal, Transport};
use crate::sid::SecretHash;
use crate::store::{LoadOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{Opened, login, request, rotate, secret, set};
use crate::untyped::Untyped;

/// A renewal every 4 units with a grace period of 3 units.
fn renewal<S>(fixture: &Fixture<S>, candidate: SecretHash) -> Renewal {
    Renewal {
        every: fixture.units(4.0),
        grace: fixture.units(3.0),
        candidate,
    }
}

/// Inserts a session, and has a load offer a second secret.
async fn offered<S: Store<Untyped>>(fixture: &Fixture<S>) -> (Opened, SecretHash, Record<Untyped>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    fixture.pass(5.0).await;
    let candidate = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(fixture, candidate))
        .await;
    let record = record.expect("the session was not found");
    assert!(record.renewed, "an offer was due");
    (opened, candidate, record)
}

/// A load makes an offer if the secret is old enough, and the next one only if the first offer is as
/// old. A candidate that was not offered is not valid.
pub async fn an_offer_is_made_when_it_is_due<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let early = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, early))
        .await;
    assert!(
        !record.expect("the session was not found").renewed,
        "the secret is new"
    );
    assert!(fixture.load(opened.key, early).await.is_none());
    fixture.pass(5.0).await;
    assert!(
        !fixture.get(&opened).await.renewed,
        "the load had no renewal"
    );
    let first = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, first))
        .await;
    assert!(record.expect("the session was not found").renewed);
    let second = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, second))
        .await;
    assert!(
        !record.expect("the session was not found").renewed,
        "the offer is new"
    );
    assert!(fixture.load(opened.key, second).await.is_none());
    assert!(
        fixture.is_alive(&opened).await,
        "an offer does not invalidate the current secret"
    );
}

/// The first use of an offered secret makes it the current one, and starts the grace period of the
/// previous one. The epoch does not change, so requests in progress can still commit.
pub async fn an_offered_secret_is_promoted_by_its_use<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, before) = offered(&fixture).await;
    fixture.pass(6.0).await;
    // The offer is old, but the grace period only starts with its first use.
    assert!(fixture.is_alive(&opened).await);
    let request = Some(renewal(&fixture, secret()));
    let promoted = fixture
        .load_with(opened.key, by(offer, request))
        .await
        .expect("the offered secret is not valid");
    assert!(!promoted.renewed, "a promoted secret is new");
    assert_eq!(
        (promoted.epoch, promoted.generation),
        (before.epoch, before.generation)
    );
    assert_eq!(promoted.snapshot.version, before.snapshot.version);
    assert!(fixture.is_alive(&opened).await, "within the grace period");
    // A change that is based on a load before the promotion is applied.
    fixture
        .apply(opened.key, &set(&before, &json!({"a": 2})))
        .await;
    fixture.pass(4.0).await;
    assert!(!fixture.is_alive(&opened).await, "after the grace period");
    assert!(fixture.load(opened.key, offer).await.is_some());
}

fn by(secret: SecretHash, renewal: Option<Renewal>) -> LoadRequest {
    LoadRequest {
        renewal,
        ..request(secret)
    }
}

/// A load without a renewal promotes an offered secret, too, with the grace period of the offer.
pub async fn a_promotion_needs_no_renewal<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, _) = offered(&fixture).await;
    assert!(fixture.load(opened.key, offer).await.is_some());
    assert!(fixture.is_alive(&opened).await, "within the grace period");
    // A fake clock stops exactly at its end.
    let is_exact = fixture.fake_clock().is_some();
    fixture.pass(if is_exact { 3.0 } else { 4.0 }).await;
    assert!(!fixture.is_alive(&opened).await, "after the grace period");
    assert!(fixture.load(opened.key, offer).await.is_some());
}

/// The age of a promoted secret counts from its promotion.
pub async fn a_promoted_secret_is_new<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, _) = offered(&fixture).await;
    fixture.pass(5.0).await;
    assert!(fixture.load(opened.key, offer).await.is_some());
    let next = secret();
    let record = fixture
        .renew(opened.key, offer, renewal(&fixture, next))
        .await;
    assert!(!record.expect("the session was not found").renewed);
    fixture.pass(5.0).await;
    let record = fixture
        .renew(opened.key, offer, renewal(&fixture, next))
        .await;
    assert!(record.expect("the session was not found").renewed);
    assert!(fixture.load(opened.key, next).await.is_some());
}

/// A load that presents the previous secret makes no offer.
pub async fn the_previous_secret_gets_no_offer<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, _) = offered(&fixture).await;
    let long = Renewal {
        grace: fixture.units(9.0),
        ..renewal(&fixture, secret())
    };
    assert!(fixture.renew(opened.key, offer, long).await.is_some());
    fixture.pass(5.0).await;
    let candidate = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, candidate))
        .await;
    assert!(!record.expect("the previous secret is not valid").renewed);
    assert!(fixture.load(opened.key, candidate).await.is_none());
}

/// The next offer replaces an unused one, and the current secret stays valid.
pub async fn an_unused_offer_is_replaced<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, lost, _) = offered(&fixture).await;
    fixture.pass(5.0).await;
    let next = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, next))
        .await;
    assert!(record.expect("the current secret is not valid").renewed);
    assert!(
        fixture.load(opened.key, lost).await.is_none(),
        "the first offer was replaced"
    );
    assert!(fixture.is_alive(&opened).await);
    assert!(fixture.load(opened.key, next).await.is_some());
}

/// A rotation invalidates the current, the previous and the offered secret. Its secret is new, so
/// no offer is due.
pub async fn a_rotation_invalidates_every_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    for as_login in [false, true] {
        let (opened, second, _) = offered(&fixture).await;
        let long = Renewal {
            grace: fixture.units(9.0),
            ..renewal(&fixture, secret())
        };
        let record = fixture.renew(opened.key, second, long).await;
        let record = record.expect("the offered secret is not valid");
        fixture.pass(5.0).await;
        let third = secret();
        let offer = fixture
            .renew(opened.key, second, renewal(&fixture, third))
            .await;
        assert!(offer.expect("the session was not found").renewed);
        assert!(fixture.is_alive(&opened).await, "within the grace period");
        let new = secret();
        let change = if as_login {
            login(&record, new, "ada")
        } else {
            rotate(&record, new)
        };
        fixture.apply(opened.key, &change).await;
        for old in [opened.secret, second, third] {
            assert!(fixture.load(opened.key, old).await.is_none());
        }
        let record = fixture
            .renew(opened.key, new, renewal(&fixture, secret()))
            .await;
        assert!(!record.expect("the session was not found").renewed);
    }
}

/// A load with a wrong secret makes no offer.
pub async fn a_wrong_secret_gets_no_offer<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(5.0).await;
    let candidate = secret();
    let renewal = renewal(&fixture, candidate);
    assert!(fixture.renew(opened.key, secret(), renewal).await.is_none());
    assert!(fixture.load(opened.key, candidate).await.is_none());
}

/// Twenty concurrent loads make one offer.
pub async fn concurrent_loads_make_one_offer<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(5.0).await;
    let mut loads = JoinSet::new();
    for _ in 0..20 {
        let fixture = fixture.clone();
        loads.spawn(async move {
            let candidate = secret();
            let record = fixture
                .renew(opened.key, opened.secret, renewal(&fixture, candidate))
                .await;
            (
                candidate,
                record.expect("the session was not found").renewed,
            )
        });
    }
    let loads = loads.join_all().await;
    let mut offers = HashSet::new();
    for (candidate, renewed) in &loads {
        if *renewed {
            offers.insert(candidate.as_bytes());
        } else {
            assert!(fixture.load(opened.key, *candidate).await.is_none());
        }
    }
    assert_eq!(offers.len(), 1);
    for (offer, _) in loads.iter().filter(|(_, renewed)| *renewed) {
        assert!(fixture.load(opened.key, *offer).await.is_some());
    }
}

/// The secret that the last renewal replaced is told from others once its grace period is over, by a store that
/// detects that. It reads and extends nothing. No other secret is: one that was replaced earlier, that was never one
/// of the session, or that a rotation replaced.
pub async fn a_replaced_secret_after_its_grace_is_a_reuse<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (first, second, third, fourth) = (secret(), secret(), secret(), secret());
    let new = NewRecord {
        secret: first,
        ..fixture.logged_in(NewLogin::new("ada"))
    };
    let session = fixture.open_as(new).await;
    let key = session.key;
    let long = |secret| LoadRequest {
        touch_every: Some(fixture.units(9.0)),
        ..request(secret)
    };
    let renew = async |old, new| {
        fixture.pass(4.5).await;
        let offer = fixture.renew(key, old, renewal(&fixture, new)).await;
        assert!(offer.expect("the session was not found").renewed);
        assert!(fixture.load(key, new).await.is_some());
    };
    renew(first, second).await;
    let expected = if fixture.store.detects_reuse() {
        "reused of ada"
    } else {
        "unknown"
    };
    let load = async |secret| outcome(&fixture, key, long(secret)).await;
    assert_eq!(load(first).await, "found", "within the grace period");
    fixture.pass(4.0).await;
    let before = fixture.load_with(key, long(second)).await;
    let before = before.expect("the current secret is valid").deadlines;
    for _ in 0..2 {
        fixture.pass(0.3).await;
        assert_eq!(load(first).await, expected);
        assert_eq!(load(secret()).await, "unknown");
    }
    let by_cookie = LoadRequest {
        transport: Transport::Cookie,
        ..long(first)
    };
    assert_eq!(outcome(&fixture, key, by_cookie).await, "unknown");
    let foreign = Key {
        namespace: fixture.elsewhere().namespace,
        ..key
    };
    assert_eq!(outcome(&fixture, foreign, long(first)).await, "unknown");
    let after = fixture.load_with(key, long(second)).await;
    let after = after.expect("the current secret is valid");
    assert_eq!(after.deadlines, before, "it extends nothing");

    renew(second, third).await;
    assert_eq!(load(first).await, "unknown", "only the last one is watched");
    fixture.pass(4.0).await;
    assert_eq!(load(second).await, expected);
    fixture.apply(key, &rotate(&after, fourth)).await;
    for old in [first, second, third] {
        assert_eq!(load(old).await, "unknown", "a rotation came after");
    }
    assert_eq!(load(fourth).await, "found");
}

/// A session that has ended is unknown to a replaced secret, too; one without a login has no subject.
pub async fn an_ended_session_has_no_reuse<S: Store<Untyped>>(fixture: Fixture<S>) {
    for destroyed in [true, false] {
        let (opened, offer, _) = offered(&fixture).await;
        assert!(fixture.load(opened.key, offer).await.is_some());
        fixture.pass(4.0).await;
        let load = async || outcome(&fixture, opened.key, request(opened.secret)).await;
        let expected = if fixture.store.detects_reuse() {
            "reused"
        } else {
            "unknown"
        };
        assert_eq!(load().await, expected);
        if destroyed {
            assert!(fixture.destroy(opened.key).await);
        } else {
            fixture.pass(7.0).await;
        }
        assert_eq!(load().await, "unknown");
    }
}

/// The outcome of a load.
async fn outcome<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    key: Key,
    request: LoadRequest,
) -> String {
    match fixture.outcome_of(key, request).await {
        LoadOutcome::Found(_) => "found".to_owned(),
        LoadOutcome::Unknown => "unknown".to_owned(),
        LoadOutcome::Replaced => "replaced".to_owned(),
        LoadOutcome::Reused { subject: None } => "reused".to_owned(),
        LoadOutcome::Reused {
            subject: Some(subject),
        } => format!("reused of {subject}"),
    }
}
