//! `SqliteStore`, in memory and in a file. Needs no server, so these tests always run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{SqliteStore, Store, StoreError};
use connect_session::testing::FakeClock;
use connect_session::testing::conformance::{
    Harness, store_conformance, subject_index_conformance,
};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
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

subject_index_conformance! {
    mod subject_index_in_memory, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
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

async fn run(file: &Path, statement: &'static str) {
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
    let damage = async || run(&file, "UPDATE connect_sessions SET commit_id = x''").await;
    shared::a_wrong_secret_reads_no_record(&*store, damage).await;
}

#[tokio::test]
async fn columns_of_later_versions_are_left_alone() {
    let (store, file) = store().await;
    let set_all =
        "UPDATE connect_sessions SET first_use_until = 4, end_reason = 5, extra = x'0102'";
    let filled =
        "connect_sessions WHERE first_use_until = 4 AND end_reason = 5 AND extra = x'0102'";
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
    logins::a_limit_holds_in_two_processes("sqlite", file.to_str().unwrap()).await;
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
    let age = async || run(&file, "UPDATE connect_sessions_subjects SET kept_until = 0").await;
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
    shared::sessions_are_served_while_writes_are_refused(&store.store, &reader, age).await;
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

/// Only the owner can read the files that a store creates, whatever the umask of the process allows.
#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    const NAME: &str = "sqlite::only_the_owner_can_read_the_files";
    if std::env::var("UMASK_IS_SET").is_err() {
        let program = std::env::current_exe().unwrap();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "umask 022; exec \"$0\" --exact \"$1\""]);
        shell.arg(program).arg(NAME).env("UMASK_IS_SET", "yes");
        let output = shell.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    let (directory, _cleanup) = directory();
    let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
    let other = directory.join("other");
    std::fs::write(&other, "").unwrap();
    assert_eq!(mode(&other), 0o644, "the umask of this test");
    let by_name = SqliteStore::open(directory.join("a.db")).await.unwrap();
    let url = format!("sqlite://{}/b.db?mode=rwc", directory.display());
    let by_url = SqliteStore::connect(&url).await.unwrap();
    for store in [&by_name, &by_url] {
        open(store, &json!({"a": 1})).await;
    }
    for name in ["a.db", "b.db"] {
        for suffix in ["", "-wal", "-shm"] {
            let file = directory.join(format!("{name}{suffix}"));
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
    // The mode of a file that exists is up to its owner.
    let existing = directory.join("c.db");
    std::fs::write(&existing, "").unwrap();
    let store = SqliteStore::open(&existing).await.unwrap();
    open(&store, &json!({"a": 1})).await;
    assert_eq!(mode(&existing), 0o644);
}

/// Eight processes open a new file concurrently.
#[tokio::test]
async fn concurrent_opens_of_a_new_file() {
    let (directory, _cleanup) = directory();
    let file = directory.join("sessions.db");
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let file = file.clone();
        tasks.spawn(async move { SqliteStore::open(file).await.unwrap() });
    }
    for store in tasks.join_all().await {
        let opened = open(&store, &json!({"a": 1})).await;
        assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    }
}

/// On a full disk, no session is stored partially, existing sessions stay, and freed space is used.
#[tokio::test]
async fn a_full_disk_is_reported() {
    let (directory, _cleanup) = directory();
    let options = SqliteConnectOptions::new().filename(directory.join("sessions.db"));
    let options = options
        .create_if_missing(true)
        .pragma("max_page_count", "64");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    let store = SqliteStore::from_pool(pool).migrate().await.unwrap();
    let long = json!({"long": "x".repeat(20_000)});
    let mut kept = Vec::new();
    let refused = loop {
        let opened = mint();
        match store
            .insert(opened.key, &new_record(opened.secret, &long))
            .await
        {
            Ok(_) => kept.push(opened),
            Err(error) => break (opened, error),
        }
    };
    assert!(matches!(refused.1, StoreError::Full), "{:?}", refused.1);
    assert!(kept.len() > 3);
    assert!(try_load(&store, refused.0).await.unwrap().is_none());
    let record = load(&store, kept[0]).await;
    let longer = json!({"long": "x".repeat(20_000), "more": "x".repeat(40_000)});
    let failed = store
        .commit(kept[0].key, &set(&record, &longer))
        .await
        .unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    for opened in &kept {
        assert_eq!(fixture::json(&load(&store, *opened).await), long);
    }
    assert!(
        Store::<Untyped>::destroy(&store, kept[1].key)
            .await
            .unwrap()
    );
    open_as(&store, refused.0, &new_record(refused.0.secret, &long)).await;
}

/// Another process has locked the file: a write waits and then fails; a read succeeds.
#[tokio::test]
async fn a_locked_file_is_unavailable_for_writes() {
    let (store, file) = store().await;
    let opened = open(&*store, &json!({"a": 1})).await;
    let record = load(&*store, opened).await;
    let options = SqliteConnectOptions::new().filename(&file);
    let mut other = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let limited = SqliteConnectOptions::new().filename(&file);
    let limited = limited.busy_timeout(Duration::from_millis(10));
    let pool = SqlitePoolOptions::new()
        .connect_with(limited)
        .await
        .unwrap();
    let limited = SqliteStore::from_pool(pool);
    let change = set(&record, &json!({"a": 2}));
    let failed = limited.commit(opened.key, &change).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    assert_eq!(
        fixture::json(&load(&limited, opened).await),
        json!({"a": 1})
    );
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    limited.commit(opened.key, &change).await.unwrap();
    assert_eq!(fixture::json(&load(&*store, opened).await), json!({"a": 2}));
}

/// Start-up errors name the cause.
#[tokio::test]
async fn startup_errors_name_the_cause() {
    let (directory, _cleanup) = directory();
    let text_file = directory.join("text");
    std::fs::write(
        &text_file,
        "this is not a database, but a text of some length ".repeat(100),
    )
    .unwrap();
    for (file, expected) in [
        (
            directory.join("nowhere").join("sessions.db"),
            "check that its directory exists",
        ),
        (directory.clone(), "cannot be opened"),
        (text_file.clone(), "is not an SQLite database"),
    ] {
        let failed = SqliteStore::open(&file).await.unwrap_err();
        assert!(
            error_chain(&failed).contains(expected),
            "{}",
            error_chain(&failed)
        );
    }
    assert!(
        std::fs::read_to_string(&text_file)
            .unwrap()
            .starts_with("this is not")
    );
    for url in ["", "sessions.db", "postgres://127.0.0.1/test"] {
        let failed = SqliteStore::connect(url).await.unwrap_err();
        assert!(
            error_chain(&failed).contains("sqlite://path/to/sessions.db"),
            "{}",
            error_chain(&failed)
        );
    }
    let options = SqliteConnectOptions::new().filename(directory.join("own.db"));
    let pool = SqlitePoolOptions::new().connect_with(options.create_if_missing(true));
    let pool = pool.await.unwrap();
    let ready = async |store: &SqliteStore| Store::<Untyped>::check_ready(store).await;
    let store = SqliteStore::from_pool(pool.clone()).table("mine").unwrap();
    let failed = ready(&store).await.unwrap_err();
    assert!(
        error_chain(&failed).contains("`.migrate().await?`"),
        "{}",
        error_chain(&failed)
    );
    sqlx::raw_sql("CREATE TABLE mine (namespace, id)")
        .execute(&pool)
        .await
        .unwrap();
    let failed = ready(&store).await.unwrap_err();
    assert!(
        error_chain(&failed).contains("does not have the columns"),
        "{}",
        error_chain(&failed)
    );
    sqlx::raw_sql("DROP TABLE mine")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(store.schema()))
        .execute(&pool)
        .await
        .unwrap();
    ready(&store).await.unwrap();
    assert!(SqliteStore::from_pool(pool).table("a; b").is_err());
}
