//! Renewal: a second secret is offered, and only its use makes it the first.

use std::collections::HashSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::record::{LoadRequest, Record, Renewal};
use crate::sid::SecretHash;
use crate::store::Store;
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{Opened, login, request, rotate, secret, set};
use crate::untyped::Untyped;

/// Of the tests: an offer after 4 units, and 3 units of grace.
fn renewal<S>(fixture: &Fixture<S>, candidate: SecretHash) -> Renewal {
    Renewal {
        every: fixture.units(4.0),
        grace: fixture.units(3.0),
        candidate,
    }
}

/// A session whose secret is old enough for an offer, which was made.
async fn offered<S: Store<Untyped>>(fixture: &Fixture<S>) -> (Opened, SecretHash, Record<Untyped>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    fixture.pass(5.0).await;
    let candidate = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(fixture, candidate))
        .await;
    let record = record.expect("alive");
    assert!(record.renewed, "an offer was due");
    (opened, candidate, record)
}

/// An offer is made when the secret is old enough, and then no second one before the first is as
/// old. A candidate that was not taken is no secret.
pub async fn an_offer_is_made_when_it_is_due<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let early = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, early))
        .await;
    assert!(!record.expect("alive").renewed, "the secret is new");
    assert!(fixture.load(opened.key, early).await.is_none());
    fixture.pass(5.0).await;
    assert!(
        !fixture.get(&opened).await.renewed,
        "no renewal was asked for"
    );
    let first = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, first))
        .await;
    assert!(record.expect("alive").renewed);
    let second = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, second))
        .await;
    assert!(!record.expect("alive").renewed, "the offer is new");
    assert!(fixture.load(opened.key, second).await.is_none());
    assert!(fixture.is_alive(&opened).await, "an offer kills nothing");
}

/// The first use of an offered secret makes it the current one, and starts the grace of the one
/// before; after that, the one before is dead. The epoch stays: nobody who is in flight loses.
pub async fn an_offered_secret_is_promoted_by_its_use<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, before) = offered(&fixture).await;
    fixture.pass(6.0).await;
    // Long after the offer: its grace has not begun.
    assert!(fixture.is_alive(&opened).await);
    let request = Some(renewal(&fixture, secret()));
    let promoted = fixture
        .load_with(opened.key, by(offer, request))
        .await
        .expect("the offer");
    assert!(!promoted.renewed, "a promoted secret is new");
    assert_eq!(
        (promoted.epoch, promoted.generation),
        (before.epoch, before.generation)
    );
    assert_eq!(promoted.snapshot.version, before.snapshot.version);
    assert!(fixture.is_alive(&opened).await, "within the grace");
    // Somebody who loaded before the promotion changes something.
    fixture
        .apply(opened.key, &set(&before, &json!({"a": 2})))
        .await;
    fixture.pass(4.0).await;
    assert!(!fixture.is_alive(&opened).await, "after the grace");
    assert!(fixture.load(opened.key, offer).await.is_some());
}

fn by(secret: SecretHash, renewal: Option<Renewal>) -> LoadRequest {
    LoadRequest {
        renewal,
        ..request(secret)
    }
}

/// A load that knows of no renewal promotes too, with the grace that the offer was made with.
pub async fn a_promotion_needs_no_renewal<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, offer, _) = offered(&fixture).await;
    assert!(fixture.load(opened.key, offer).await.is_some());
    assert!(fixture.is_alive(&opened).await, "within the grace");
    fixture.pass(4.0).await;
    assert!(!fixture.is_alive(&opened).await, "after the grace");
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
    assert!(!record.expect("alive").renewed);
    fixture.pass(5.0).await;
    let record = fixture
        .renew(opened.key, offer, renewal(&fixture, next))
        .await;
    assert!(record.expect("alive").renewed);
    assert!(fixture.load(opened.key, next).await.is_some());
}

/// Whoever still has the secret before is offered none.
pub async fn the_previous_secret_is_offered_none<S: Store<Untyped>>(fixture: Fixture<S>) {
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
    assert!(!record.expect("within the grace").renewed);
    assert!(fixture.load(opened.key, candidate).await.is_none());
}

/// An offer that never arrived is replaced by the next, and logs nobody out.
pub async fn an_unused_offer_is_replaced<S: Store<Untyped>>(fixture: Fixture<S>) {
    let (opened, lost, _) = offered(&fixture).await;
    fixture.pass(5.0).await;
    let next = secret();
    let record = fixture
        .renew(opened.key, opened.secret, renewal(&fixture, next))
        .await;
    assert!(record.expect("the current secret is good").renewed);
    assert!(
        fixture.load(opened.key, lost).await.is_none(),
        "it was replaced"
    );
    assert!(fixture.is_alive(&opened).await);
    assert!(fixture.load(opened.key, next).await.is_some());
}

/// A rotation kills the current, the previous and the offered secret, and its own is new.
pub async fn a_rotation_kills_every_secret<S: Store<Untyped>>(fixture: Fixture<S>) {
    for as_login in [false, true] {
        let (opened, second, _) = offered(&fixture).await;
        let long = Renewal {
            grace: fixture.units(9.0),
            ..renewal(&fixture, secret())
        };
        let record = fixture.renew(opened.key, second, long).await;
        let record = record.expect("the offer");
        fixture.pass(5.0).await;
        let third = secret();
        let offer = fixture
            .renew(opened.key, second, renewal(&fixture, third))
            .await;
        assert!(offer.expect("alive").renewed);
        assert!(fixture.is_alive(&opened).await, "within the grace");
        let new = secret();
        let change = if as_login {
            login(&record, new, "somebody")
        } else {
            rotate(&record, new)
        };
        fixture.apply(opened.key, &change).await;
        for dead in [opened.secret, second, third] {
            assert!(fixture.load(opened.key, dead).await.is_none());
        }
        let record = fixture
            .renew(opened.key, new, renewal(&fixture, secret()))
            .await;
        assert!(!record.expect("alive").renewed);
    }
}

/// A renewal that is asked for with a wrong secret, or the wrong way, offers nothing.
pub async fn a_wrong_secret_is_offered_none<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    fixture.pass(5.0).await;
    let candidate = secret();
    let renewal = renewal(&fixture, candidate);
    assert!(fixture.renew(opened.key, secret(), renewal).await.is_none());
    assert!(fixture.load(opened.key, candidate).await.is_none());
}

/// Twenty loads at once make one offer.
pub async fn loads_at_once_make_one_offer<S: Store<Untyped>>(fixture: Fixture<S>) {
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
            (candidate, record.expect("alive").renewed)
        });
    }
    let loads = loads.join_all().await;
    let mut living = HashSet::new();
    for (candidate, renewed) in &loads {
        if *renewed {
            living.insert(candidate.as_bytes());
        } else {
            assert!(fixture.load(opened.key, *candidate).await.is_none());
        }
    }
    assert_eq!(living.len(), 1);
    for (offer, _) in loads.iter().filter(|(_, renewed)| *renewed) {
        assert!(fixture.load(opened.key, *offer).await.is_some());
    }
}
