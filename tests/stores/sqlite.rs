//! `SqliteStore`, in memory and in a file. Needs no server, so these tests always run.

mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{SqliteStore, Store, StoreError};
use connect_session::testing::FakeClock;
use connect_session::testing::conformance::{
    Harness, inspect_conformance, store_conformance, subject_index_conformance,
};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqlSafeStr};
use tokio::task::JoinSet;

use crate::fixture::{self, error_chain, load, mint, new_record, open, open_as, set, try_load};
use crate::temp_table::{Cleanup, TempStore};
use crate::{logins, servers, shared};

/// A temporary directory, and its cleanup.
fn directory() -> (PathBuf, Cleanup) {
    let directory = std::env::temp_dir().join(servers::unique("connect-session"));
    std::fs::create_dir(&directory).unwrap();
    let remove = directory.clone();
    let cleanup = Cleanup::block_on(move || async move {
        std::fs::remove_dir_all(remove).unwrap();
    });
    (directory, cleanup)
}

store_conformance! {
    mod in_memory, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        Harness::new(store).with_clock(clock)
    }
}

store_conformance! {
    mod in_a_file, || async {
        let clock = FakeClock::new();
        let (directory, cleanup) = directory();
        let store = SqliteStore::open(directory.join("sessions.db")).await.unwrap();
        let store = TempStore { store: store.clock(clock.clone()), cleanup };
        Harness::new(store).with_clock(clock)
    }
}

inspect_conformance! {
    mod inspect_in_memory, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        Harness::new(store).with_clock(clock)
    }
}

subject_index_conformance! {
    mod subject_index_in_memory, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        Harness::new(store).with_clock(clock)
    }
}

inspect_conformance! {
    mod inspect_in_a_file, || async {
        let clock = FakeClock::new();
        let (directory, cleanup) = directory();
        let store = SqliteStore::open(directory.join("sessions.db")).await.unwrap();
        let store = TempStore { store: store.clock(clock.clone()), cleanup };
        Harness::new(store).with_clock(clock)
    }
}

subject_index_conformance! {
    mod subject_index_in_a_file, || async {
        let clock = FakeClock::new();
        let (directory, cleanup) = directory();
        let store = SqliteStore::open(directory.join("sessions.db")).await.unwrap();
        let store = TempStore { store: store.clock(clock.clone()), cleanup };
        Harness::new(store).with_clock(clock)
    }
}

const HALVE_IDLE_TIME: &str = "UPDATE connect_sessions SET idle_until = idle_until - idle / 2";

/// A store in a file, with the system clock and without a sweep task, and the file.
async fn store() -> (Arc<TempStore<SqliteStore>>, PathBuf) {
    let (directory, cleanup) = directory();
    let file = directory.join("sessions.db");
    let store = SqliteStore::open(&file).await.unwrap().sweep_every(None);
    (Arc::new(TempStore { store, cleanup }), file)
}

async fn run(file: &Path, statement: impl SqlSafeStr) {
    let options = SqliteConnectOptions::new().filename(file);
    let options = options.busy_timeout(Duration::from_secs(30));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn rows(file: &Path, table: &'static str) -> u64 {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    let count = format!("SELECT count(*) FROM {table}");
    let count = sqlx::query(AssertSqlSafe(count))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    count.get(0)
}

#[tokio::test]
async fn concurrent_changes_are_all_applied() {
    shared::concurrent_changes_are_all_applied(store().await.0).await;
}

/// Two stores on one file, like two processes; each makes half of the changes.
#[tokio::test]
async fn two_processes_share_a_file() {
    let (store, file) = store().await;
    let other = SqliteStore::open(&file).await.unwrap();
    let opened = open(&*store, &json!({"count": 0})).await;
    let mut tasks = JoinSet::new();
    for at in 0..20 {
        let (store, other) = (store.store.clone(), other.clone());
        tasks.spawn(async move {
            let store = if at % 2 == 0 { store } else { other };
            fixture::update(&store, opened, |data| {
                data["count"] = json!(data["count"].as_u64().unwrap() + 1);
            })
            .await;
        });
    }
    tasks.join_all().await;
    assert_eq!(
        fixture::json(&load(&other, opened).await),
        json!({"count": 20})
    );
}

#[tokio::test]
async fn field_names_are_not_interpreted() {
    shared::field_names_are_not_interpreted(store().await.0).await;
}

#[tokio::test]
async fn subjects_may_be_any_text() {
    shared::subjects_may_be_any_text(store().await.0).await;
}

#[tokio::test]
async fn rows_of_another_format_are_not_changed() {
    let (store, file) = store().await;
    let make_foreign = async || run(&file, "UPDATE connect_sessions SET format = 3").await;
    let of_two = "connect_sessions WHERE format = 3";
    shared::rows_of_another_format_are_not_changed(store, make_foreign, async || {
        rows(&file, of_two).await
    })
    .await;
}

#[tokio::test]
async fn a_wrong_secret_reads_no_record() {
    let (store, file) = store().await;
    let damage = async |_| run(&file, "UPDATE connect_sessions SET commit_id = x''").await;
    shared::a_wrong_secret_reads_no_record(&*store, damage).await;
}

#[tokio::test]
async fn columns_of_later_versions_are_left_alone() {
    let (store, file) = store().await;
    let set_all = "UPDATE connect_sessions SET end_reason = 5, extra = x'0102'";
    let filled = "connect_sessions WHERE end_reason = 5 AND extra = x'0102'";
    shared::columns_of_later_versions_are_left_alone(
        &*store,
        async || run(&file, set_all).await,
        async || rows(&file, filled).await,
        async || run(&file, HALVE_IDLE_TIME).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_login_survives_an_end_of_all() {
    let (_store, file) = store().await;
    logins::no_login_survives_an_end_of_all("sqlite", file.to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_holds_in_two_processes() {
    let (_store, file) = store().await;
    logins::a_limit_holds("sqlite", file.to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_sessions() {
    let (_store, file) = store().await;
    logins::ten_thousand_sessions("sqlite", file.to_str().unwrap()).await;
}

#[tokio::test]
async fn a_sweep_removes_subjects() {
    let (store, file) = store().await;
    let rows = async || rows(&file, "connect_sessions_subjects").await;
    let age = async |minutes| {
        let past = minutes * 60_000;
        let age = format!("UPDATE connect_sessions_subjects SET kept_until = kept_until - {past}");
        run(&file, AssertSqlSafe(age)).await;
    };
    logins::a_sweep_removes_subjects(&*store, rows, age).await;
}

#[tokio::test]
async fn a_login_without_its_parts_is_read() {
    let (store, file) = store().await;
    let forget =
        "UPDATE connect_sessions SET login_at = NULL, authenticated_at = NULL, level = NULL";
    logins::a_login_without_its_parts_is_read(&*store, async || run(&file, forget).await).await;
}

/// What an earlier version of the table lacks is reported, and created when the file is opened.
#[tokio::test]
async fn a_table_without_subjects_is_reported() {
    let (store, file) = store().await;
    let ready = async || Store::<Untyped>::check_ready(&*store).await;
    for broken in [
        "DROP TABLE connect_sessions_subjects",
        "DROP INDEX connect_sessions_subject",
    ] {
        run(&file, broken).await;
        let text = error_chain(&ready().await.unwrap_err());
        assert!(text.contains("no such table, or none of its"), "{text}");
        SqliteStore::open(&file).await.unwrap();
        ready().await.unwrap();
    }
}

#[tokio::test]
async fn data_of_a_newer_version_is_not_overwritten() {
    let (store, file) = store().await;
    let make_newer = async || run(&file, "UPDATE connect_sessions SET data_version = 2").await;
    shared::data_of_a_newer_version_is_not_overwritten(&*store, make_newer).await;
}

#[tokio::test]
async fn large_sessions_are_kept() {
    shared::large_sessions_are_kept(&*store().await.0).await;
}

#[tokio::test]
async fn sessions_are_served_while_writes_are_refused() {
    let (store, file) = store().await;
    let read_only = SqliteConnectOptions::new().filename(&file).read_only(true);
    let pool = SqlitePoolOptions::new().connect_with(read_only);
    let reader = SqliteStore::from_pool(pool.await.unwrap());
    let age = async || run(&file, HALVE_IDLE_TIME).await;
    shared::network::sessions_are_served_while_writes_are_refused(&store.store, &reader, age).await;
}

/// A load without a due touch commits nothing.
#[tokio::test]
async fn a_load_without_a_due_touch_does_not_write() {
    let (store, file) = store().await;
    let opened = open(&*store, &json!({"a": 1})).await;
    let options = SqliteConnectOptions::new().filename(&file);
    let mut observer = options.connect().await.unwrap();
    // Changes with every commit of another connection.
    let mut commits = async || {
        let version = sqlx::query("PRAGMA data_version").fetch_one(&mut observer);
        version.await.unwrap().get::<i64, _>(0)
    };
    let before = commits().await;
    let record = load(&*store, opened).await;
    assert_eq!(commits().await, before);
    let change = set(&record, &json!({"a": 2}));
    store.commit(opened.key, &change).await.unwrap();
    assert_ne!(commits().await, before);
}

/// The writes of one process wait for each other, rather than for the lock of the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_one_process_never_find_the_file_locked() {
    let (store, file) = store().await;
    let impatient = SqliteConnectOptions::new().filename(&file);
    let impatient = impatient.busy_timeout(Duration::ZERO);
    let pool = SqlitePoolOptions::new().max_connections(8);
    let pool = pool.connect_with(impatient).await.unwrap();
    let pooled = SqliteStore::from_pool(pool).sweep_every(None);
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let pooled = pooled.clone();
        tasks.spawn(async move {
            let opened = open(&pooled, &json!({"a": 1})).await;
            let record = load(&pooled, opened).await;
            let change = set(&record, &json!({"a": 2}));
            pooled.commit(opened.key, &change).await.unwrap();
        });
    }
    tasks.join_all().await;
    drop(store);
}

/// A table of the former layout is refused, with the fix, and stays as it is.
#[tokio::test]
async fn a_table_of_the_former_layout_is_refused() {
    let (directory, _cleanup) = directory();
    let file = directory.join("sessions.db");
    let options = SqliteConnectOptions::new().filename(&file);
    let mut former = options.create_if_missing(true).connect().await.unwrap();
    let script = "CREATE TABLE connect_sessions (namespace TEXT NOT NULL, id BLOB NOT NULL,
            format INTEGER NOT NULL, version INTEGER NOT NULL, fields TEXT NOT NULL,
            PRIMARY KEY (namespace, id));
        INSERT INTO connect_sessions VALUES ('shop', x'01', 1, 1, '{}')";
    sqlx::raw_sql(script).execute(&mut former).await.unwrap();
    let text = error_chain(&SqliteStore::open(&file).await.unwrap_err());
    assert!(
        text.contains("drop it") && text.contains("`.table(…)`"),
        "{text}"
    );
    assert_eq!(rows(&file, "connect_sessions").await, 1);
    let pool = SqlitePoolOptions::new().connect_with(SqliteConnectOptions::new().filename(&file));
    let beside = SqliteStore::from_pool(pool.await.unwrap()).table("other");
    let beside = beside.unwrap().migrate().await.unwrap();
    Store::<Untyped>::check_ready(&beside).await.unwrap();
}

#[tokio::test]
async fn dropped_requests_leave_the_store_usable() {
    shared::dropped_requests_leave_the_store_usable(store().await.0).await;
    let memory = SqliteStore::memory().await.unwrap();
    shared::dropped_requests_leave_the_store_usable(Arc::new(memory)).await;
}

#[tokio::test]
async fn a_sweep_removes_only_expired_sessions() {
    let (store, file) = store().await;
    shared::a_sweep_removes_only_expired_sessions(store, async || {
        rows(&file, "connect_sessions").await
    })
    .await;
}

#[tokio::test]
async fn a_sweep_reindexes_extended_deadlines() {
    let (store, file) = store().await;
    let age = async || run(&file, "UPDATE connect_sessions SET due = 0").await;
    shared::a_sweep_reindexes_extended_deadlines(store, age).await;
}

#[tokio::test]
async fn the_background_task_sweeps() {
    let (store, file) = store().await;
    let sweeping = store
        .store
        .clone()
        .sweep_every(Some(Duration::from_millis(10)));
    let rename = async |away: bool| {
        let statement = if away {
            "ALTER TABLE connect_sessions RENAME TO away"
        } else {
            "ALTER TABLE away RENAME TO connect_sessions"
        };
        run(&file, statement).await;
    };
    let rows = async || rows(&file, "connect_sessions").await;
    shared::the_background_task_sweeps(sweeping, &store.store, rows, rename).await;
}

/// Sixteen concurrent changes, on a store with one connection.
async fn overlap(store: SqliteStore) {
    let opened = open(&store, &json!({"count": 0})).await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            fixture::update(&store, opened, |data| {
                data["count"] = json!(data["count"].as_u64().unwrap() + 1);
            })
            .await;
        });
    }
    tasks.join_all().await;
    assert_eq!(
        fixture::json(&load(&store, opened).await),
        json!({"count": 16})
    );
}

/// Every change in a file survives a restart; a memory store is lost.
#[tokio::test]
async fn sessions_survive_a_restart() {
    let (directory, _cleanup) = directory();
    let file = directory.join("sessions.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let opened = open(&store, &json!({"a": 1})).await;
    let record = load(&store, opened).await;
    store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await
        .unwrap();
    let gone = open(&store, &json!({})).await;
    assert!(Store::<Untyped>::destroy(&store, gone.key).await.unwrap());
    drop(store);
    let url = format!("sqlite://{}", file.display());
    let store = SqliteStore::connect(&url).connections(2).await.unwrap();
    Store::<Untyped>::check_ready(&store).await.unwrap();
    let record = load(&store, opened).await;
    assert_eq!(fixture::json(&record), json!({"a": 2}));
    assert!(try_load(&store, gone).await.unwrap().is_none());
    // A change that is based on a load before the restart still applies.
    store
        .commit(opened.key, &set(&record, &json!({"a": 3})))
        .await
        .unwrap();
    for memory in ["sqlite::memory:", "sqlite://?mode=memory"] {
        let memory = SqliteStore::connect(memory).await.unwrap();
        assert!(try_load(&memory, opened).await.unwrap().is_none());
        let other = SqliteStore::memory().await.unwrap();
        let id = |store: &SqliteStore| Store::<Untyped>::backend_id(store);
        assert_ne!(id(&memory), id(&other), "each has records of its own");
        assert_eq!(id(&memory), id(&memory.clone()));
        overlap(memory).await;
    }
}
