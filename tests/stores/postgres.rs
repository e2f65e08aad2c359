//! `PostgresStore`, on the server of `TEST_POSTGRES_URL`.

mod interleavings;
mod slow_logins;
mod startup;

use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    LoadOutcome, LoadRequest, NewLogin, PostgresStore, Renewal, SecretHash, Store, StoreError,
};
use connect_session::testing::conformance::{
    Harness, inspect_conformance, store_conformance, subject_index_conformance,
};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::task::JoinSet;

use crate::fixture::{self, error_chain, load, open, request, set, try_load};
use crate::servers::cutter::Cutter;
use crate::sql_proxy::{Protocol, Proxy};
use crate::temp_table::{Cleanup, TempStore};
use crate::{servers, shared};

fn url() -> String {
    servers::url("TEST_POSTGRES_URL")
}

fn options() -> PgConnectOptions {
    url().parse().unwrap()
}

pub async fn run(statement: String) {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let script = sqlx::raw_sql(AssertSqlSafe(statement));
    script.execute(&mut connection).await.unwrap();
}

/// The first column of the first row, as text.
pub async fn query_text(statement: String) -> String {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let query = sqlx::query(AssertSqlSafe(statement));
    query.fetch_one(&mut connection).await.unwrap().get(0)
}

async fn rows(table: &str) -> u64 {
    let count = query_text(format!("SELECT count(*)::text FROM {table}")).await;
    count.parse().unwrap()
}

/// Drops a table when it is dropped itself.
pub fn drop_table_later(table: &str) -> Cleanup {
    let table = table.to_owned();
    Cleanup::block_on(move || run(format!("DROP TABLE IF EXISTS {table}, {table}_subjects")))
}

/// A store with its own table and without a sweep task, and the table's name.
async fn store() -> (Arc<TempStore<PostgresStore>>, String) {
    let table = servers::unique("sessions");
    let store = PostgresStore::connect(&url())
        .acquire_timeout(Duration::from_secs(30))
        .await
        .unwrap();
    let store = store.sweep_every(None).table(&table).unwrap();
    let store = store.migrate().await.unwrap();
    let cleanup = drop_table_later(&table);
    (Arc::new(TempStore { store, cleanup }), table)
}

/// The URL of the server through a proxy, and its own.
pub async fn urls_through(cutter: &Cutter) -> (String, String) {
    let options = options();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let port = cutter.to(server).await;
    let user = options.get_username();
    let database = options.get_database().unwrap();
    let proxied = format!("postgres://{user}@127.0.0.1:{port}/{database}?sslmode=disable");
    (proxied, url())
}

/// A store with one connection, through a proxy.
async fn behind_a_proxy(acquire_timeout: Duration) -> (TempStore<PostgresStore>, String, Proxy) {
    let options = options();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::before(server, Protocol::Postgres).await;
    let user = options.get_username();
    let database = options.get_database().unwrap();
    let port = proxy.port;
    let url = format!("postgres://{user}@127.0.0.1:{port}/{database}?sslmode=disable");
    let table = servers::unique("sessions");
    let connecting = PostgresStore::connect(&url).connections(1);
    let store = connecting.acquire_timeout(acquire_timeout).await;
    let store = store.unwrap().table(&table).unwrap();
    let store = store.statement_timeout(acquire_timeout);
    let store = store.sweep_every(None).migrate().await.unwrap();
    let cleanup = drop_table_later(&table);
    (TempStore { store, cleanup }, table, proxy)
}

store_conformance! {
    #[ignore = "needs PostgreSQL; scripts/test starts one"]
    mod conformance, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

inspect_conformance! {
    #[ignore = "needs PostgreSQL; scripts/test starts one"]
    mod inspect, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

subject_index_conformance! {
    #[ignore = "needs PostgreSQL; scripts/test starts one"]
    mod subject_index, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn concurrent_changes_are_all_applied() {
    shared::concurrent_changes_are_all_applied(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn field_names_are_not_interpreted() {
    shared::field_names_are_not_interpreted(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn subjects_may_be_any_text() {
    shared::subjects_may_be_any_text(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn rows_of_another_format_are_not_changed() {
    let (store, table) = store().await;
    let make_foreign = async || run(format!("UPDATE {table} SET format = 3")).await;
    let of_two = format!("(SELECT FROM {table} WHERE format = 3) AS foreign_rows");
    shared::rows_of_another_format_are_not_changed(store, make_foreign, async || {
        rows(&of_two).await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn dropped_requests_leave_the_store_usable() {
    let (store, _, _proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    shared::dropped_requests_leave_the_store_usable(Arc::new(store)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_sweep_removes_only_expired_sessions() {
    let (store, table) = store().await;
    shared::a_sweep_removes_only_expired_sessions(store, async || rows(&table).await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_sweep_reindexes_extended_deadlines() {
    let (store, table) = store().await;
    let age = async || run(format!("UPDATE {table} SET due = 0")).await;
    shared::a_sweep_reindexes_extended_deadlines(store, age).await;
}

/// A sweep skips rows that another process has locked.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_sweep_skips_locked_rows() {
    let (store, table) = store().await;
    for _ in 0..2 {
        open(&*store, &json!({})).await;
    }
    run(format!("UPDATE {table} SET due = 0, idle_until = 0")).await;
    let mut other = PgConnection::connect(&url()).await.unwrap();
    let mut holding = other.begin().await.unwrap();
    let lock = format!("SELECT FROM {table} LIMIT 1 FOR UPDATE");
    sqlx::query(AssertSqlSafe(lock))
        .execute(&mut *holding)
        .await
        .unwrap();
    let sweep = async || Store::<Untyped>::sweep(&*store, 10).await;
    assert_eq!(sweep().await.unwrap(), 1);
    holding.rollback().await.unwrap();
    assert_eq!(sweep().await.unwrap(), 1);
}

/// A load without a due touch neither writes nor locks.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_load_without_a_due_touch_does_not_write() {
    let (store, table) = store().await;
    let opened = open(&*store, &json!({"a": 1})).await;
    let place = || {
        query_text(format!(
            "SELECT concat(ctid, ' ', xmin, ' ', xmax) FROM {table}"
        ))
    };
    let before = place().await;
    let renewal = Renewal {
        every: Duration::from_secs(600),
        grace: Duration::from_secs(30),
        candidate: SecretHash::from_bytes([1; 32]),
    };
    for renewal in [None, Some(renewal)] {
        let request = LoadRequest {
            renewal,
            ..request(opened.secret)
        };
        let loaded: LoadOutcome<Untyped> = store.load(opened.key, &request).await.unwrap();
        assert!(loaded.found().is_some());
    }
    assert_eq!(place().await, before);
    // A write does change the row's version.
    let record = load(&*store, opened).await;
    store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await
        .unwrap();
    assert_ne!(place().await, before);
}

/// Each operation takes one statement, except a conflict, which returns the record, and a load that
/// writes: these take two. No other commands are sent.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn round_trips() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle / 2");
    let age = async || run(slide.clone()).await;
    for (operation, statements) in shared::statements(&store, || proxy.take_counts(), age).await {
        let expected = match operation {
            "load and touch" | "load and offer" | "load and promote" | "conflict" => 2,
            _ => 1,
        };
        assert_eq!(statements, expected, "{operation}");
    }
}

crate::logins::tests! {
    #[ignore = "needs PostgreSQL; scripts/test starts one"], "postgres", 1, "DROP INDEX {0}_subject"
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn network_failures_are_reported() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(1)).await;
    let lock = async || {
        let mut connection = PgConnection::connect(&url()).await.unwrap();
        let lock = format!("BEGIN; SELECT FROM {table} FOR UPDATE");
        let script = sqlx::raw_sql(AssertSqlSafe(lock));
        script.execute(&mut connection).await.unwrap();
        connection
    };
    let release = async |held: PgConnection| held.close().await.unwrap();
    shared::network::network_failures_are_reported(Arc::new(store), &proxy, lock, release).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_lost_connection_is_replaced() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    let one = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let one = one.connect_with(options().port(proxy.port)).await.unwrap();
    let pooled = PostgresStore::from_pool(one).table(&table).unwrap();
    let pooled = pooled.statement_timeout(Duration::from_millis(500));
    shared::network::a_lost_connection_is_replaced(&pooled, &proxy).await;
    drop(store);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_restart_goes_unnoticed() {
    let (store, _, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    shared::network::a_restart_goes_unnoticed(&store, &proxy).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_wrong_secret_reads_no_record() {
    let (store, table) = store().await;
    let damage = async |_| run(format!("UPDATE {table} SET commit_id = ''")).await;
    shared::a_wrong_secret_reads_no_record(&*store, damage).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn columns_of_later_versions_are_left_alone() {
    let (store, table) = store().await;
    let fill = format!("UPDATE {table} SET end_reason = 5, extra = '\\x0102'");
    let filled = format!("{table} WHERE end_reason = 5 AND extra = '\\x0102'");
    let age = format!("UPDATE {table} SET idle_until = idle_until - idle / 2");
    shared::columns_of_later_versions_are_left_alone(
        &*store,
        async || run(fill.clone()).await,
        async || rows(&filled).await,
        async || run(age.clone()).await,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn data_of_a_newer_version_is_not_overwritten() {
    let (store, table) = store().await;
    let newer = format!("UPDATE {table} SET data_version = 2");
    let make_newer = async || run(newer.clone()).await;
    shared::data_of_a_newer_version_is_not_overwritten(&*store, make_newer).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn large_sessions_are_kept() {
    shared::large_sessions_are_kept(&*store().await.0).await;
}

/// A table of format 1 is refused, with the fix, and stays as it is.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_table_of_an_older_version_is_refused() {
    let (store, table) = store().await;
    let older = PostgresStore::connect(&url()).await.unwrap();
    let older = older.table(&table).unwrap();
    run(format!("ALTER TABLE {table} DROP COLUMN data_version")).await;
    let ready = Store::<Untyped>::check_ready(&older).await.unwrap_err();
    let migrated = older.migrate().await.unwrap_err();
    for refused in [ready, migrated] {
        let text = error_chain(&refused);
        assert!(
            text.contains("drop it") && text.contains("`.table(…)`"),
            "{text}"
        );
    }
    assert_eq!(rows(&table).await, 0);
    drop(store);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn the_background_task_sweeps() {
    let (store, table) = store().await;
    let every = Some(Duration::from_millis(10));
    let sweeping = store.store.clone().sweep_every(every);
    let rename = async |away: bool| {
        let (from, to) = if away { ("", "_away") } else { ("_away", "") };
        run(format!("ALTER TABLE {table}{from} RENAME TO {table}{to}")).await;
    };
    let rows = async || rows(&table).await;
    shared::the_background_task_sweeps(sweeping, &store.store, rows, rename).await;
}

/// Eight processes that migrate concurrently: none fails, and the table exists once.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn concurrent_migrations() {
    let table = servers::unique("sessions");
    let cleanup = drop_table_later(&table);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let table = table.clone();
        tasks.spawn(async move {
            let store = PostgresStore::connect(&url()).await.unwrap();
            store.table(&table).unwrap().migrate().await.unwrap()
        });
    }
    for store in tasks.join_all().await {
        Store::<Untyped>::check_ready(&store).await.unwrap();
        let opened = open(&store, &json!({"a": 1})).await;
        assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    }
    let index = format!("SELECT count(*)::text FROM pg_indexes WHERE tablename = '{table}'");
    assert_eq!(query_text(index).await, "3");
    drop(cleanup);
}

/// The SQL of `schema`, run manually, creates what the store needs, also in another database or
/// schema.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_pool_and_a_schema_of_the_application() {
    let schema = servers::unique("app");
    let remove = schema.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP SCHEMA {remove} CASCADE")));
    run(format!("CREATE SCHEMA {schema}")).await;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options())
        .await
        .unwrap();
    let store = PostgresStore::from_pool(pool.clone());
    let store = store.table(&format!("{schema}.sessions")).unwrap();
    let missing = Store::<Untyped>::check_ready(&store).await.unwrap_err();
    assert!(
        error_chain(&missing).contains("there is no such table"),
        "{}",
        error_chain(&missing)
    );
    run(store.schema()).await;
    Store::<Untyped>::check_ready(&store).await.unwrap();
    let opened = open(&store, &json!({"a": 1})).await;
    assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    assert_eq!(rows(&format!("{schema}.sessions")).await, 1);
    // The application's pool has one connection. While it is in use, a request waits no longer than
    // the pool's timeout.
    let limited = PgPoolOptions::new().max_connections(1);
    let limited = limited.acquire_timeout(Duration::from_secs(1));
    let limited = limited.connect_with(options()).await.unwrap();
    let held = limited.acquire().await.unwrap();
    let store = PostgresStore::from_pool(limited.clone());
    let store = store.table(&format!("{schema}.sessions")).unwrap();
    let failed = try_load(&store, opened).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    let record = {
        drop(held);
        load(&store, opened).await
    };
    let held = limited.acquire().await.unwrap();
    let failed = store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await
        .unwrap_err();
    assert!(
        matches!(failed, StoreError::Unavailable(_)),
        "the commit was not sent: {failed:?}"
    );
    drop(held);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn sessions_are_served_while_writes_are_refused() {
    let (store, table) = store().await;
    let read_only = options().options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().connect_with(read_only).await.unwrap();
    let reader = PostgresStore::from_pool(pool).table(&table).unwrap();
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle / 2");
    let age = async || run(slide.clone()).await;
    shared::network::sessions_are_served_while_writes_are_refused(&store.store, &reader, age).await;
}

/// A text that the encoding of the database lacks is reported at startup, and not as a failure that a
/// client should wait for.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn texts_that_the_encoding_lacks() {
    let database = servers::unique("latin1");
    let remove = database.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP DATABASE {remove} WITH (FORCE)")));
    run(format!(
        "CREATE DATABASE {database} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ))
    .await;
    let url = url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let store = PostgresStore::connect(&format!("{server}/{database}"));
    let store = store.await.unwrap().sweep_every(None);
    let store = store.migrate().await.unwrap();
    let text = error_chain(&Store::<Untyped>::check_ready(&store).await.unwrap_err());
    assert!(
        text.contains("LATIN1") && text.contains("ENCODING 'UTF8'"),
        "{text}"
    );
    // Data is bytes, and the encoding has this subject.
    let opened = open(&store, &json!({"名": "日本"})).await;
    let record = load(&store, opened).await;
    let secret = SecretHash::from_bytes([1; 32]);
    let unstorable = fixture::login(&record, secret, "日本");
    let refused = store.commit(opened.key, &unstorable).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unstorable(_)), "{refused:?}");
    let new = fixture::mint();
    let mut with_subject = fixture::new_record(new.secret, &json!({}));
    with_subject.login = Some(NewLogin::new("日本"));
    let refused = store.insert(new.key, &with_subject).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unstorable(_)), "{refused:?}");
    let login = fixture::login(&record, secret, "é");
    store.commit(opened.key, &login).await.unwrap();
    let shown = Store::<Untyped>::load(&store, opened.key, &request(secret)).await;
    let shown = shown.unwrap().found().unwrap();
    assert_eq!(shown.subject(), Some("é"));
    assert_eq!(fixture::json(&shown), json!({"名": "日本"}));
}

/// A user who may open no more connections than the pool has. The store cannot find out about a pooler then.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_pool_may_have_all_connections_of_its_user() {
    let (_store, table) = store().await;
    let user = servers::unique("limited");
    let remove = user.clone();
    let drop_user = async move || run(format!("DROP OWNED BY {remove}; DROP ROLE {remove}")).await;
    let _cleanup = Cleanup::block_on(drop_user);
    run(format!(
        "CREATE ROLE {user} LOGIN CONNECTION LIMIT 1; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {user}"
    ))
    .await;
    let options = options().username(&user);
    let address = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::before(address, Protocol::Postgres).await;
    let options = options.host("127.0.0.1").port(proxy.port);
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    let limited = PostgresStore::from_pool(pool.clone());
    let limited = limited.table(&table).unwrap().sweep_every(None);
    let opened = open(&limited, &json!({"a": 1})).await;
    let record = load(&limited, opened).await;
    let change = set(&record, &json!({"a": 2}));
    limited.commit(opened.key, &change).await.unwrap();
    assert_eq!(
        fixture::json(&load(&limited, opened).await),
        json!({"a": 2})
    );
    // It does not try to find out with every statement.
    let mut opened_by_loads = Vec::new();
    for _ in 0..10 {
        let before = proxy.connections();
        load(&limited, opened).await;
        opened_by_loads.push(proxy.connections() - before);
    }
    assert!(opened_by_loads.contains(&0), "{opened_by_loads:?}");
    pool.close().await;
}
