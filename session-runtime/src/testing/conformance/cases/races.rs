//! Races: concurrent operations lose nothing, bring nothing back and are never applied partially.

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

/// The number of concurrent tasks.
const TASKS: u64 = 64;

/// Commits a change, again after each conflict, until it is applied.
async fn change_until_applied<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    session: &Opened,
    change: impl Fn(&mut Value),
) {
    let mut record = fixture.get(session).await;
    loop {
        let mut data = fixture::json(&record.snapshot);
        change(&mut data);
        match fixture.commit(session.key, &set(&record, &data)).await {
            CommitOutcome::Applied { .. } => return,
            CommitOutcome::Conflict(shown) => record = *shown,
            CommitOutcome::Ended | CommitOutcome::Refused(_) => panic!("the session has ended"),
        }
    }
}

/// All of 64 concurrent changes of different fields are applied.
pub async fn concurrent_changes_of_different_fields_are_all_stored<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    let opened = fixture.open(&json!({})).await;
    let mut tasks = JoinSet::new();
    for at in 0..TASKS {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tasks.spawn(async move {
            change_until_applied(&fixture, &opened, |data| {
                data[format!("field {at}")] = json!(at);
            })
            .await;
        });
    }
    tasks.join_all().await;
    let expected: Value = (0..TASKS)
        .map(|at| (format!("field {at}"), json!(at)))
        .collect();
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        expected
    );
}

/// After 64 concurrent increments, a counter is 64.
pub async fn concurrent_changes_of_one_field_all_count<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"count": 0})).await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tasks.spawn(async move {
            let add = |data: &mut Value| {
                data["count"] = json!(data["count"].as_u64().expect("a number") + 1);
            };
            change_until_applied(&fixture, &opened, add).await;
        });
    }
    tasks.join_all().await;
    let count = &fixture::json(&fixture.get(&opened).await.snapshot)["count"];
    assert_eq!(*count, json!(TASKS));
}

/// A change that several tasks send concurrently is applied once.
pub async fn one_change_sent_concurrently_is_applied_once<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let change = Arc::new(set(&fixture.get(&opened).await, &json!({"a": 2})));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (fixture, change) = (fixture.clone(), change.clone());
        tasks.spawn(async move {
            let snapshot = fixture.apply(opened.key, &change).await;
            snapshot.expect("the commit returned no snapshot").version
        });
    }
    let versions: HashSet<u64> = tasks.join_all().await.into_iter().collect();
    assert_eq!(versions.len(), 1, "all commits return the same version");
}

/// No concurrent change recreates a destroyed session, in 100 rounds.
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
            change.await.expect("a commit panicked");
        }
        assert!(
            fixture.load(opened.key, opened.secret).await.is_none(),
            "round {round}"
        );
    }
    assert_eq!(fixture.count().await, 0);
}

/// 64 concurrent inserts create 64 sessions.
pub async fn concurrent_inserts_are_all_stored<S: Store<Untyped>>(fixture: Fixture<S>) {
    let mut tasks = JoinSet::new();
    for at in 0..TASKS {
        let fixture = fixture.clone();
        tasks.spawn(async move { (at, fixture.open(&json!({"at": at})).await) });
    }
    for (at, opened) in tasks.join_all().await {
        assert_eq!(
            fixture::json(&fixture.get(&opened).await.snapshot),
            json!({"at": at})
        );
    }
    assert_eq!(fixture.count().await, TASKS);
}

/// Only one of several concurrent inserts of the same id succeeds.
pub async fn an_id_is_inserted_once<S: Store<Untyped>>(fixture: Fixture<S>) {
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

/// Only one of several concurrent rotations and logins that are based on the same epoch is applied.
pub async fn one_of_several_concurrent_rotations_is_applied<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
    for _ in 0..20 {
        let opened = fixture.open(&json!({})).await;
        let record = fixture.get(&opened).await;
        let mut tasks = JoinSet::new();
        for at in 0..4 {
            let new = secret();
            let change = if at % 2 == 0 {
                rotate(&record, new)
            } else {
                login(&record, new, "ada")
            };
            let fixture = fixture.clone();
            tasks.spawn(async move {
                let committed = fixture.commit(opened.key, &change).await;
                (new, matches!(committed, CommitOutcome::Applied { .. }))
            });
        }
        let rotations = tasks.join_all().await;
        assert_eq!(rotations.iter().filter(|(_, applied)| *applied).count(), 1);
        for (secret, applied) in rotations {
            assert_eq!(fixture.load(opened.key, secret).await.is_some(), applied);
        }
    }
}

/// A commit whose future is dropped after a few polls is applied completely or not at all, and leaves
/// the session usable.
pub async fn a_canceled_change_is_applied_whole_or_not_at_all<S: Store<Untyped>>(
    fixture: Fixture<S>,
) {
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
        // A server may still apply the change, but only as a whole.
        for _ in 0..5 {
            let (before, after) = (json!({"a": 1, "b": 1}), json!({"a": 2, "c": 2}));
            if let Some(record) = fixture.load(opened.key, opened.secret).await {
                assert_eq!(fixture::json(&record.snapshot), before);
            } else {
                let record = fixture.load(opened.key, new).await;
                let record = record.expect("neither secret is valid");
                assert_eq!(fixture::json(&record.snapshot), after);
            }
            tokio::task::yield_now().await;
        }
        assert!(
            fixture.destroy(opened.key).await,
            "the session is not locked"
        );
    }
}

/// Loads during changes return a committed state, and never an older one after a newer one.
pub async fn a_load_never_shows_half_a_change<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 0, "b": 0})).await;
    let writer = {
        let (fixture, opened) = (fixture.clone(), opened.clone());
        tokio::spawn(async move {
            let mut record: Record<Untyped> = fixture.get(&opened).await;
            for at in 1..100 {
                let change = set(&record, &json!({"a": at, "b": at}));
                let next: Option<Snapshot<Untyped>> = fixture.apply(opened.key, &change).await;
                record.snapshot = next.expect("the commit returned no snapshot");
            }
        })
    };
    let mut last = 0;
    loop {
        let done = writer.is_finished();
        let shown = fixture::json(&fixture.get(&opened).await.snapshot);
        assert_eq!(shown["a"], shown["b"]);
        let at = shown["a"].as_u64().expect("a number");
        assert!(
            at >= last,
            "a load must not return an older state after a newer one"
        );
        last = at;
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer panicked");
    assert_eq!(last, 99);
}
