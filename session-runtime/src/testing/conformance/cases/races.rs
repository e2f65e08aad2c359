//! Many at once: nothing is lost, nothing comes back, nothing is done by halves.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::record::{Change, Record, Snapshot};
use crate::store::{CommitOutcome, InsertOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, Opened, login, rotate, secret, set};
use crate::untyped::Untyped;

/// How many there are at once.
const CROWD: u64 = 64;

/// Changes until a change lands, and says how often it had to try.
async fn change_until_done<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    session: &Opened,
    change: impl Fn(&mut Value),
) {
    let mut record = fixture.get(session).await;
    loop {
        let mut data = fixture::json(&record.snapshot);
        change(&mut data);
        match fixture.commit(session.key, &set(&record, &data)).await {
            CommitOutcome::Applied(_) => return,
            CommitOutcome::Conflict(shown) => record = *shown,
            CommitOutcome::Ended => panic!("a living session is gone"),
        }
    }
}

/// 64 changes at once, each of its own field: all are there.
pub async fn changes_of_different_fields_are_all_there<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    let mut tasks = JoinSet::new();
    for at in 0..CROWD {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tasks.spawn(async move {
            change_until_done(&fixture, &opened, |data| {
                data[format!("field {at}")] = json!(at);
            })
            .await;
        });
    }
    tasks.join_all().await;
    let expected: Value = (0..CROWD)
        .map(|at| (format!("field {at}"), json!(at)))
        .collect();
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        expected
    );
}

/// 64 changes at once of one counter: it counts 64.
pub async fn changes_of_one_field_all_count<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"count": 0})).await;
    let mut tasks = JoinSet::new();
    for _ in 0..CROWD {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tasks.spawn(async move {
            let add = |data: &mut Value| {
                data["count"] = json!(data["count"].as_u64().expect("a number") + 1);
            };
            change_until_done(&fixture, &opened, add).await;
        });
    }
    tasks.join_all().await;
    let count = &fixture::json(&fixture.get(&opened).await.snapshot)["count"];
    assert_eq!(*count, json!(CROWD));
}

/// One change that is sent by several at once is applied once.
pub async fn one_change_sent_at_once_is_applied_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let change = Arc::new(set(&fixture.get(&opened).await, &json!({"a": 2})));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (fixture, change) = (fixture.clone(), change.clone());
        tasks.spawn(async move {
            let snapshot = fixture.apply(opened.key, &change).await;
            snapshot.expect("the data changed").version
        });
    }
    let versions: HashSet<u64> = tasks.join_all().await.into_iter().collect();
    assert_eq!(versions.len(), 1, "every answer shows the one change");
}

/// A destruction against a change, 100 times: the session never comes back.
pub async fn a_destroyed_session_never_comes_back<S: Store<Untyped>>(fixture: Fixture<S>) {
    for round in 0..100 {
        let opened = fixture.open(&json!({"a": 1})).await;
        let record = fixture.get(&opened).await;
        let start = Arc::new(Barrier::new(3));
        let changes = (0..2).map(|at| {
            let change = set(&record, &json!({ format!("field {at}"): round }));
            let (fixture, start) = (fixture.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                fixture.commit(opened.key, &change).await
            })
        });
        let changes: Vec<_> = changes.collect();
        start.wait().await;
        assert!(fixture.destroy(opened.key).await);
        assert!(fixture.load(opened.key, opened.secret).await.is_none());
        for change in changes {
            change.await.expect("a commit");
        }
        assert!(
            fixture.load(opened.key, opened.secret).await.is_none(),
            "round {round}"
        );
    }
    assert_eq!(fixture.count().await, 0);
}

/// 64 insertions at once are 64 sessions.
pub async fn insertions_at_once_are_all_there<S: Store<Untyped>>(fixture: Fixture<S>) {
    let mut tasks = JoinSet::new();
    for at in 0..CROWD {
        let fixture = fixture.clone();
        tasks.spawn(async move { (at, fixture.open(&json!({"at": at})).await) });
    }
    for (at, opened) in tasks.join_all().await {
        assert_eq!(
            fixture::json(&fixture.get(&opened).await.snapshot),
            json!({"at": at})
        );
    }
    assert_eq!(fixture.count().await, CROWD);
}

/// Of several insertions of one id at once, one is kept.
pub async fn one_id_is_inserted_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    for _ in 0..20 {
        let (key, _) = fixture.mint();
        let mut tasks = JoinSet::new();
        for at in 0..4 {
            let fixture = fixture.clone();
            tasks.spawn(async move {
                let record = fixture.new_record(secret(), &json!({"at": at}));
                let inserted = fixture.insert(key, &record).await;
                (
                    record.secret,
                    matches!(inserted, InsertOutcome::Done { .. }),
                )
            });
        }
        let inserted = tasks.join_all().await;
        assert_eq!(inserted.iter().filter(|(_, done)| *done).count(), 1);
        for (secret, done) in inserted {
            assert_eq!(fixture.load(key, secret).await.is_some(), done);
        }
    }
}

/// Of several rotations and logins at once, by those who loaded the same secret, one lands.
pub async fn one_rotation_lands<S: Store<Untyped>>(fixture: Fixture<S>) {
    for _ in 0..20 {
        let opened = fixture.open(&json!({})).await;
        let record = fixture.get(&opened).await;
        let mut tasks = JoinSet::new();
        for at in 0..4 {
            let new = secret();
            let change = if at % 2 == 0 {
                rotate(&record, new)
            } else {
                login(&record, new, "somebody")
            };
            let fixture = fixture.clone();
            tasks.spawn(async move {
                let committed = fixture.commit(opened.key, &change).await;
                (new, matches!(committed, CommitOutcome::Applied(_)))
            });
        }
        let rotations = tasks.join_all().await;
        assert_eq!(rotations.iter().filter(|(_, landed)| *landed).count(), 1);
        for (secret, landed) in rotations {
            assert_eq!(fixture.load(opened.key, secret).await.is_some(), landed);
        }
    }
}

/// A change whose future is dropped after it was polled a few times has happened wholly or not at
/// all; the session is none the worse for it.
pub async fn a_dropped_change_is_whole_or_nothing<S: Store<Untyped>>(fixture: Fixture<S>) {
    for polls in 1..6 {
        let opened = fixture.open(&json!({"a": 1, "b": 1})).await;
        let record = fixture.get(&opened).await;
        let new = secret();
        let change = Change {
            identity: rotate(&record, new).identity,
            ..set(&record, &json!({"a": 2, "c": 2}))
        };
        {
            let mut commit = pin!(fixture.store.commit(opened.key, &change));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if commit.as_mut().poll(&mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // On a server it may yet happen, but then as a whole.
        for _ in 0..5 {
            let (before, after) = (json!({"a": 1, "b": 1}), json!({"a": 2, "c": 2}));
            if let Some(record) = fixture.load(opened.key, opened.secret).await {
                assert_eq!(fixture::json(&record.snapshot), before);
            } else {
                let record = fixture.load(opened.key, new).await;
                let record = record.expect("one of the secrets");
                assert_eq!(fixture::json(&record.snapshot), after);
            }
            tokio::task::yield_now().await;
        }
        assert!(fixture.destroy(opened.key).await, "and nothing is locked");
    }
}

/// A load beside many changes shows one of the states that there were, with its own version.
pub async fn a_load_never_shows_half_a_change<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 0, "b": 0})).await;
    let writer = {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tokio::spawn(async move {
            let mut record: Record<Untyped> = fixture.get(&opened).await;
            for at in 1..100 {
                let change = set(&record, &json!({"a": at, "b": at}));
                let next: Option<Snapshot<Untyped>> = fixture.apply(opened.key, &change).await;
                record.snapshot = next.expect("the data changed");
            }
        })
    };
    let mut last = 0;
    loop {
        let done = writer.is_finished();
        let shown = fixture::json(&fixture.get(&opened).await.snapshot);
        assert_eq!(shown["a"], shown["b"]);
        let at = shown["a"].as_u64().expect("a number");
        assert!(at >= last, "an older state after a newer one");
        last = at;
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer");
    assert_eq!(last, 99);
}
