//! Renewal: a load offers a second secret, whose first use makes it the current one.

use std::collections::HashSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::record::{LoadRequest, Record, Renewal};
use crate::sid::SecretHash;
use crate::store::Store;
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
    fixture.pass(4.0).await;
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
