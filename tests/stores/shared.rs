//! Tests of every SQL store, beyond the conformance kit.

pub mod network;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    CommitOutcome, InsertOutcome, Lifetime, LoadRequest, NewLogin, NewRecord, Renewal, SecretHash,
    Store, StoreError,
};
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::fixture::{
    self, Opened, load, login, mint, new_record, open, open_as, request, set, try_load,
};
use crate::redis::tools::until;
use crate::sql_proxy::{Network, Proxy};

const REQUESTS: u64 = 64;

/// 64 concurrent requests; half of them change a field of their own and half one counter.
pub async fn concurrent_changes_are_all_applied<S: Store<Untyped>>(store: Arc<S>) {
    let opened = open(&*store, &json!({"count": 0})).await;
    let start = Arc::new(Barrier::new(usize::try_from(REQUESTS).unwrap()));
    let mut tasks = JoinSet::new();
    for at in 0..REQUESTS {
        let (store, start) = (store.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            fixture::update(&*store, opened, |data| {
                if at % 2 == 0 {
                    data["count"] = json!(data["count"].as_u64().unwrap() + 1);
                } else {
                    data[format!("field {at}")] = json!(at);
                }
            })
            .await;
        });
    }
    tasks.join_all().await;
    let mut expected = Map::new();
    expected.insert("count".to_owned(), json!(REQUESTS / 2));
    for at in (1..REQUESTS).step_by(2) {
        expected.insert(format!("field {at}"), json!(at));
    }
    assert_eq!(
        fixture::json(&load(&*store, opened).await),
        Value::Object(expected)
    );
}

/// Field names may have any content and length.
pub async fn field_names_are_not_interpreted<S: Store<Untyped>>(store: Arc<S>) {
    let names = [
        "a'); DROP TABLE connect_sessions; --".to_owned(),
        "$.\"a\"".to_owned(),
        "@".to_owned(),
        "_61".to_owned(),
        "a".to_owned(),
        "A".to_owned(),
        "\\0".to_owned(),
        "\0".to_owned(),
        "\\".to_owned(),
        "a ".to_owned(),
        "é\u{301}".to_owned(),
        "é".to_owned(),
        "name ".repeat(13_108),
        "\0".repeat(65_536),
    ];
    let with = |value: &Value| -> Value {
        let fields = names.iter().map(|name| (name.clone(), value.clone()));
        Value::Object(fields.collect())
    };
    let opened = open(&*store, &with(&json!(1))).await;
    let record = load(&*store, opened).await;
    assert!(fixture::json(&record) == with(&json!(1)), "inserted");
    let changed = with(&json!(["\0\\u0000\u{1f980}", {"@": "'"}]));
    let committed = store.commit(opened.key, &set(&record, &changed)).await;
    assert!(matches!(committed.unwrap(), CommitOutcome::Applied { .. }));
    let record = load(&*store, opened).await;
    assert!(fixture::json(&record) == changed, "changed");
    // Each can be removed alone, and then conflicts with a change that is based on it.
    for name in &names {
        let before = load(&*store, opened).await;
        let mut data = fixture::json(&before);
        data.as_object_mut().unwrap().remove(name);
        let committed = store.commit(opened.key, &set(&before, &data)).await;
        assert!(matches!(committed.unwrap(), CommitOutcome::Applied { .. }));
        assert!(
            fixture::json(&load(&*store, opened).await) == data,
            "removed"
        );
        let mut late = fixture::json(&before);
        late[name] = json!(2);
        let committed = store.commit(opened.key, &set(&before, &late)).await;
        assert!(
            matches!(committed.unwrap(), CommitOutcome::Conflict(_)),
            "{name:.9}"
        );
    }
}

/// Subjects may have any content and length.
pub async fn subjects_may_be_any_text<S: Store<Untyped>>(store: Arc<S>) {
    let long = "\0\\é🦀'\"".repeat(10_000);
    for subject in ["", " ", "\0", "\\0", "a ", &long] {
        let opened = mint();
        let record = NewRecord {
            login: Some(NewLogin::new(subject)),
            label: None,
            ..new_record(opened.secret, &json!({}))
        };
        open_as(&*store, opened, &record).await;
        let record = load(&*store, opened).await;
        assert!(record.subject() == Some(subject), "inserted");
        let secret = SecretHash::from_bytes([9; 32]);
        let committed = store
            .commit(opened.key, &login(&record, secret, subject))
            .await;
        assert!(matches!(committed.unwrap(), CommitOutcome::Applied { .. }));
        let record = load(&*store, Opened { secret, ..opened }).await;
        assert!(record.subject() == Some(subject), "set");
    }
}

/// Rows of another format are rejected and not changed. `make_foreign` changes the format of every
/// row, and `rows` counts those rows.
pub async fn rows_of_another_format_are_not_changed<S: Store<Untyped>>(
    store: Arc<S>,
    make_foreign: impl AsyncFnOnce(),
    rows: impl AsyncFn() -> u64,
) {
    let opened = mint();
    let short = NewRecord {
        lifetime: Lifetime::new(Duration::from_millis(1), Duration::from_millis(1)),
        ..new_record(opened.secret, &json!({"a": 1}))
    };
    open_as(&*store, opened, &short).await;
    let other = open(&*store, &json!({"a": 1})).await;
    let record = load(&*store, other).await;
    make_foreign().await;
    for session in [opened, other] {
        let refused = try_load(&*store, session).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Undecodable { .. }),
            "{refused:?}"
        );
        assert!(
            fixture::error_chain(&refused).contains("format 3"),
            "{}",
            fixture::error_chain(&refused)
        );
        let change = set(&record, &json!({"a": 2}));
        let refused = store.commit(session.key, &change).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Undecodable { .. }),
            "{refused:?}"
        );
        let inserted = store
            .insert(session.key, &new_record(session.secret, &json!({})))
            .await;
        assert!(matches!(inserted.unwrap(), InsertOutcome::Exists));
    }
    assert_eq!(store.sweep(10).await.unwrap(), 0);
    assert_eq!(rows().await, 2);
}

/// Requests that are dropped at any point leave a working store, even with one connection.
pub async fn dropped_requests_leave_the_store_usable<S: Store<Untyped>>(store: Arc<S>) {
    let opened = open(&*store, &json!({"count": 0})).await;
    for round in 0..50_u64 {
        let record = load(&*store, opened).await;
        let before = fixture::json(&record)["count"].as_u64().unwrap();
        let change = set(&record, &json!({"count": before + 1}));
        let mut commit = Box::pin(store.commit(opened.key, &change));
        let mut polls = 0;
        let done = std::future::poll_fn(|context| {
            polls += 1;
            match commit.as_mut().poll(context) {
                std::task::Poll::Pending if polls > round % 5 => std::task::Poll::Ready(None),
                other => other.map(Some),
            }
        })
        .await;
        drop(commit);
        let after = fixture::json(&load(&*store, opened).await)["count"]
            .as_u64()
            .unwrap();
        assert!(
            after == before || after == before + 1,
            "{before}, then {after}"
        );
        assert!(
            done.is_none() || after == before + 1,
            "a confirmed commit is lost"
        );
    }
}

/// Sweeps 300 expired sessions while 20 live sessions are in use.
pub async fn a_sweep_removes_only_expired_sessions<S: Store<Untyped>>(
    store: Arc<S>,
    rows: impl AsyncFn() -> u64,
) {
    let living = {
        let mut living = Vec::new();
        for _ in 0..20 {
            living.push(open(&*store, &json!({"count": 0})).await);
        }
        living
    };
    let mut ended = JoinSet::new();
    for _ in 0..300 {
        let store = store.clone();
        ended.spawn(async move {
            let opened = mint();
            let record = NewRecord {
                lifetime: Lifetime::new(Duration::from_millis(1), Duration::from_secs(60)),
                ..new_record(opened.secret, &json!({}))
            };
            open_as(&*store, opened, &record).await;
        });
    }
    ended.join_all().await;
    let mut tasks = JoinSet::new();
    for opened in living.clone() {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                fixture::update(&*store, opened, |data| {
                    data["count"] = json!(data["count"].as_u64().unwrap() + 1);
                })
                .await;
            }
        });
    }
    let mut sweeps = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        sweeps.spawn(async move { store.sweep(usize::MAX).await.unwrap() });
    }
    tasks.join_all().await;
    let swept: usize = sweeps.join_all().await.into_iter().sum();
    // A sweep skips rows that another sweep has locked.
    let rest = store.sweep(usize::MAX).await.unwrap();
    assert_eq!(swept + rest, 300);
    assert_eq!(rows().await, 20);
    for opened in living {
        assert_eq!(
            fixture::json(&load(&*store, opened).await),
            json!({"count": 10})
        );
    }
}

/// Sweeps a session whose indexed deadline has passed but which is alive, as its idle deadline was
/// extended.
pub async fn a_sweep_reindexes_extended_deadlines<S: Store<Untyped>>(
    store: Arc<S>,
    age: impl AsyncFnOnce(),
) {
    let opened = open(&*store, &json!({"a": 1})).await;
    age().await;
    assert_eq!(store.sweep(10).await.unwrap(), 0);
    assert_eq!(fixture::json(&load(&*store, opened).await), json!({"a": 1}));
    // The session is not due anymore: a sweep of one row finds the next expired one.
    let ended = mint();
    let record = NewRecord {
        lifetime: Lifetime::new(Duration::from_millis(1), Duration::from_millis(1)),
        ..new_record(ended.secret, &json!({}))
    };
    open_as(&*store, ended, &record).await;
    while store.sweep(1).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture::json(&load(&*store, opened).await), json!({"a": 1}));
}

/// The number of statements that each operation executes on a connection that has prepared them.
/// Asserts that it waits for no other commands. `take_counts` returns the counts since its last call, and
/// `age` halves the time to every idle deadline.
pub async fn statements<S: Store<Untyped>>(
    store: &S,
    take_counts: impl Fn() -> BTreeMap<char, u64>,
    age: impl AsyncFn(),
) -> Vec<(&'static str, u64)> {
    let mut counted = Vec::new();
    for _ in 0..2 {
        counted.clear();
        let mut count = |operation| {
            let mut counts = take_counts();
            let statements = counts.remove(&'E').unwrap_or(0);
            // MySQL has a command for a ping; on PostgreSQL it is a synchronization without a statement.
            let pings = counts.remove(&'p').unwrap_or(0);
            let synchronizations = counts.remove(&'S').unwrap_or(0);
            let pings = pings + synchronizations.saturating_sub(statements);
            counted.push((
                operation,
                statements,
                pings,
                counts.remove(&'P'),
                counts.remove(&'Q'),
            ));
        };
        take_counts();
        let opened = open(store, &json!({"a": 1})).await;
        count("create");
        let stale = load(store, opened).await;
        count("load");
        age().await;
        load(store, opened).await;
        count("load and touch");
        let by = |secret, candidate| LoadRequest {
            renewal: Some(Renewal {
                every: Duration::ZERO,
                grace: Duration::from_secs(30),
                candidate: SecretHash::from_bytes([candidate; 32]),
            }),
            ..request(secret)
        };
        let offer = store
            .load(opened.key, &by(opened.secret, 1))
            .await
            .unwrap()
            .found()
            .unwrap();
        assert!(offer.renewed);
        count("load and offer");
        let opened = Opened {
            secret: SecretHash::from_bytes([1; 32]),
            ..opened
        };
        load(store, opened).await;
        count("load and promote");
        let commit = async |change| store.commit(opened.key, &change).await.unwrap();
        assert!(matches!(
            commit(set(&stale, &json!({"a": 2}))).await,
            CommitOutcome::Applied { .. }
        ));
        count("change");
        assert!(matches!(
            commit(set(&stale, &json!({"a": 3}))).await,
            CommitOutcome::Conflict(_)
        ));
        count("conflict");
        let mut rotation = set(&load(store, opened).await, &json!({"a": 4}));
        take_counts();
        let secret = SecretHash::from_bytes([2; 32]);
        rotation.identity = login(&stale, secret, "somebody").identity;
        assert!(matches!(
            commit(rotation).await,
            CommitOutcome::Applied { .. }
        ));
        count("change and login");
        assert!(store.destroy(opened.key).await.unwrap());
        count("destroy");
    }
    for (operation, _, pings, prepared, queries) in &counted {
        assert_eq!(
            (*pings, prepared, queries),
            (0, &None, &None),
            "{operation}"
        );
    }
    (counted.into_iter())
        .map(|(operation, statements, ..)| (operation, statements))
        .collect()
}

/// Every statement leaves alone the columns of later versions. `fill` sets all of them except
/// `data_version`, and `filled` counts the rows that still have what it set.
pub async fn columns_of_later_versions_are_left_alone<S: Store<Untyped>>(
    store: &S,
    fill: impl AsyncFn(),
    filled: impl AsyncFn() -> u64,
    age: impl AsyncFn(),
) {
    let opened = open(store, &json!({"a": 1})).await;
    fill().await;
    age().await;
    load(store, opened).await;
    let renewing = LoadRequest {
        renewal: Some(Renewal {
            every: Duration::ZERO,
            grace: Duration::from_secs(30),
            candidate: SecretHash::from_bytes([1; 32]),
        }),
        ..request(opened.secret)
    };
    assert!(
        store
            .load(opened.key, &renewing)
            .await
            .unwrap()
            .found()
            .is_some()
    );
    let opened = Opened {
        secret: SecretHash::from_bytes([1; 32]),
        ..opened
    };
    let record = load(store, opened).await;
    let data = set(&record, &json!({"a": 2}));
    let mut both = set(&record, &json!({"a": 3}));
    both.identity = login(&record, SecretHash::from_bytes([2; 32]), "ada").identity;
    both.data.as_mut().unwrap().base = None;
    for change in [data, both] {
        let committed = store.commit(opened.key, &change).await.unwrap();
        assert!(matches!(committed, CommitOutcome::Applied { .. }));
        assert_eq!(filled().await, 1);
    }
}

/// A request with a wrong secret does not learn that the record is damaged.
pub async fn a_wrong_secret_reads_no_record<S: Store<Untyped>>(
    store: &S,
    damage: impl AsyncFnOnce(Opened),
) {
    let opened = open(store, &json!({"a": 1})).await;
    damage(opened).await;
    let wrong = Opened {
        secret: SecretHash::from_bytes([1; 32]),
        ..opened
    };
    assert!(try_load(store, wrong).await.unwrap().is_none());
    let refused = try_load(store, opened).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Undecodable { .. }),
        "{refused:?}"
    );
}

/// Data of a newer version of the program is not overwritten; everything else of the session works.
/// `make_newer` sets the version of every row.
pub async fn data_of_a_newer_version_is_not_overwritten<S: Store<Untyped>>(
    store: &S,
    make_newer: impl AsyncFn(),
) {
    let opened = open(store, &json!({"a": 1})).await;
    let record = load(store, opened).await;
    make_newer().await;
    let mut replacing = set(&record, &json!({"a": 3}));
    replacing.data.as_mut().unwrap().base = None;
    for change in [set(&record, &json!({"a": 2})), replacing] {
        let refused = store.commit(opened.key, &change).await.unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::NewerData {
                    version: 2,
                    current: 1
                }
            ),
            "{refused:?}"
        );
    }
    assert_eq!(fixture::json(&load(store, opened).await), json!({"a": 1}));
    let secret = SecretHash::from_bytes([2; 32]);
    let rotated = store
        .commit(opened.key, &login(&record, secret, "ada"))
        .await;
    assert!(matches!(rotated.unwrap(), CommitOutcome::Applied { .. }));
    assert!(store.destroy(opened.key).await.unwrap());
}

/// A session with 10,000 fields, and one with a field of a megabyte.
pub async fn large_sessions_are_kept<S: Store<Untyped>>(store: &S) {
    let many = (0..10_000).map(|at| (format!("field {at}"), json!(at)));
    let many = Value::Object(many.collect());
    let long = json!({"text": "é\0".repeat(350_000)});
    for mut data in [many, long] {
        let opened = open(store, &data).await;
        for at in 0..3 {
            let record = load(store, opened).await;
            assert!(fixture::json(&record) == data);
            data["field 7"] = json!(["changed", at]);
            let committed = store.commit(opened.key, &set(&record, &data)).await;
            assert!(matches!(committed.unwrap(), CommitOutcome::Applied { .. }));
        }
        assert!(fixture::json(&load(store, opened).await) == data);
    }
}

/// The sweep task continues after an error and ends with its store. `quiet` is another store on the
/// same table, and `break_table` renames the table away and back.
pub async fn the_background_task_sweeps<S: Store<Untyped>>(
    sweeping: S,
    quiet: &S,
    rows: impl AsyncFn() -> u64,
    break_table: impl AsyncFn(bool),
) {
    let insert = async || {
        let opened = mint();
        let record = NewRecord {
            lifetime: Lifetime::new(Duration::from_millis(1), Duration::from_millis(1)),
            ..new_record(opened.secret, &json!({}))
        };
        open_as(quiet, opened, &record).await;
    };
    sweeping.check_ready().await.unwrap();
    for _ in 0..2 {
        insert().await;
        while rows().await > 0 {
            tokio::task::yield_now().await;
        }
        // Every sweep fails without the table, and several run in this time.
        break_table(true).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        break_table(false).await;
    }
    drop(sweeping);
    insert().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rows().await, 1, "the task still sweeps");
}
