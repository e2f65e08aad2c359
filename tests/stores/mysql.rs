//! `MySqlStore`, on the server of `TEST_MYSQL_URL`.

mod on_terms;

use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{MySqlStore, NewLogin, NewRecord, RevocationMark, Store, StoreError};
use connect_session::testing::conformance::{
    Harness, inspect_conformance, store_conformance, subject_index_conformance,
};
use serde_json::json;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _};
use tokio::task::JoinSet;

use crate::fixture::{self, error_chain, load, open, set, try_load};
use crate::servers::cutter::Cutter;
use crate::sql_proxy::{Protocol, Proxy};
use crate::temp_table::{Cleanup, TempStore};
use crate::{servers, shared};

fn url() -> String {
    servers::url("TEST_MYSQL_URL")
}

fn options() -> MySqlConnectOptions {
    url().parse().unwrap()
}

pub async fn run(statement: String) {
    let mut connection = MySqlConnection::connect(&url()).await.unwrap();
    let script = sqlx::raw_sql(AssertSqlSafe(statement));
    script.execute(&mut connection).await.unwrap();
}

/// The first column of the first row, as text.
pub async fn query_text(statement: String) -> String {
    let mut connection = MySqlConnection::connect(&url()).await.unwrap();
    let query = sqlx::query(AssertSqlSafe(statement));
    query.fetch_one(&mut connection).await.unwrap().get(0)
}

async fn rows(table: &str) -> u64 {
    let count = query_text(format!("SELECT CAST(count(*) AS CHAR) FROM {table}")).await;
    count.parse().unwrap()
}

/// Drops a table when it is dropped itself.
pub fn drop_table_later(table: &str) -> Cleanup {
    let table = table.to_owned();
    Cleanup::block_on(move || run(format!("DROP TABLE IF EXISTS {table}, {table}_subjects")))
}

/// A store with its own table and without a sweep task, and the table's name.
async fn store() -> (Arc<TempStore<MySqlStore>>, String) {
    let table = servers::unique("sessions");
    let store = MySqlStore::connect(&url())
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
    let proxied = format!("mysql://{user}@127.0.0.1:{port}/{database}?ssl-mode=DISABLED");
    (proxied, url())
}

/// A store with one connection, through a proxy.
async fn behind_a_proxy(acquire_timeout: Duration) -> (TempStore<MySqlStore>, String, Proxy) {
    let options = options();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::before(server, Protocol::MySql).await;
    let user = options.get_username();
    let database = options.get_database().unwrap();
    let port = proxy.port;
    let url = format!("mysql://{user}@127.0.0.1:{port}/{database}?ssl-mode=DISABLED");
    let table = servers::unique("sessions");
    let connecting = MySqlStore::connect(&url).connections(1);
    let store = connecting.acquire_timeout(acquire_timeout).await;
    let store = store.unwrap().table(&table).unwrap();
    let store = store.statement_timeout(acquire_timeout);
    let store = store.sweep_every(None).migrate().await.unwrap();
    let cleanup = drop_table_later(&table);
    (TempStore { store, cleanup }, table, proxy)
}

store_conformance! {
    #[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
    mod conformance, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

inspect_conformance! {
    #[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
    mod inspect, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

subject_index_conformance! {
    #[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
    mod subject_index, || async {
        // A tenth of the idle timeout, 400 ms, is longer than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn concurrent_changes_are_all_applied() {
    shared::concurrent_changes_are_all_applied(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn field_names_are_not_interpreted() {
    shared::field_names_are_not_interpreted(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn subjects_may_be_any_text() {
    shared::subjects_may_be_any_text(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn rows_of_another_format_are_not_changed() {
    let (store, table) = store().await;
    let make_foreign = async || run(format!("UPDATE {table} SET format = 3")).await;
    let of_two = format!("(SELECT id FROM {table} WHERE format = 3) AS foreign_rows");
    shared::rows_of_another_format_are_not_changed(store, make_foreign, async || {
        rows(&of_two).await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn dropped_requests_leave_the_store_usable() {
    let (store, table) = store().await;
    // One connection without a statement cache, so that requests are also dropped while they
    // prepare a statement.
    let options = options().statement_cache_capacity(0);
    let pool = MySqlPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    let one = MySqlStore::from_pool(pool).table(&table).unwrap();
    shared::dropped_requests_leave_the_store_usable(Arc::new(one)).await;
    drop(store);
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_sweep_removes_only_expired_sessions() {
    let (store, table) = store().await;
    shared::a_sweep_removes_only_expired_sessions(store, async || rows(&table).await).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_sweep_reindexes_extended_deadlines() {
    let (store, table) = store().await;
    let age = async || run(format!("UPDATE {table} SET due = 0")).await;
    shared::a_sweep_reindexes_extended_deadlines(store, age).await;
}

/// Each operation takes one statement, except a conflict, which returns the record, and a load that
/// writes: these take two. No other commands are sent.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn round_trips() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle DIV 2");
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
    #[ignore = "needs MySQL or MariaDB; scripts/test starts one"], "mysql", 2, "DROP INDEX {0}_subject ON {0}"
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn network_failures_are_reported() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(1)).await;
    let lock = async || {
        let mut connection = MySqlConnection::connect(&url()).await.unwrap();
        let lock = format!("BEGIN; SELECT id FROM {table} FOR UPDATE");
        let script = sqlx::raw_sql(AssertSqlSafe(lock));
        script.execute(&mut connection).await.unwrap();
        connection
    };
    let release = async |held: MySqlConnection| held.close().await.unwrap();
    shared::network::network_failures_are_reported(Arc::new(store), &proxy, lock, release).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_lost_connection_is_replaced() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    let one = MySqlPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let one = one.connect_with(options().port(proxy.port)).await.unwrap();
    let pooled = MySqlStore::from_pool(one).table(&table).unwrap();
    let pooled = pooled.statement_timeout(Duration::from_millis(500));
    shared::network::a_lost_connection_is_replaced(&pooled, &proxy).await;
    drop(store);
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_restart_goes_unnoticed() {
    let (store, _, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    shared::network::a_restart_goes_unnoticed(&store, &proxy).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_wrong_secret_reads_no_record() {
    let (store, table) = store().await;
    let damage = async |_| {
        run(format!(
            "ALTER TABLE {table} MODIFY commit_id VARBINARY(16) NOT NULL"
        ))
        .await;
        run(format!("UPDATE {table} SET commit_id = ''")).await;
    };
    shared::a_wrong_secret_reads_no_record(&*store, damage).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn columns_of_later_versions_are_left_alone() {
    let (store, table) = store().await;
    let fill = format!("UPDATE {table} SET end_reason = 5, extra = x'0102'");
    let filled = format!("{table} WHERE end_reason = 5 AND extra = x'0102'");
    let age = format!("UPDATE {table} SET idle_until = idle_until - idle DIV 2");
    shared::columns_of_later_versions_are_left_alone(
        &*store,
        async || run(fill.clone()).await,
        async || rows(&filled).await,
        async || run(age.clone()).await,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn data_of_a_newer_version_is_not_overwritten() {
    let (store, table) = store().await;
    let newer = format!("UPDATE {table} SET data_version = 2");
    let make_newer = async || run(newer.clone()).await;
    shared::data_of_a_newer_version_is_not_overwritten(&*store, make_newer).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn large_sessions_are_kept() {
    shared::large_sessions_are_kept(&*store().await.0).await;
}

/// A table of format 1 is refused, with the fix, and stays as it is.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_table_of_an_older_version_is_refused() {
    let (store, table) = store().await;
    let older = MySqlStore::connect(&url()).await.unwrap();
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
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn the_background_task_sweeps() {
    let (store, table) = store().await;
    let every = Some(Duration::from_millis(10));
    let sweeping = store.store.clone().sweep_every(every);
    let rename = async |away: bool| {
        let (from, to) = if away { ("", "_away") } else { ("_away", "") };
        run(format!("RENAME TABLE {table}{from} TO {table}{to}")).await;
    };
    let rows = async || rows(&table).await;
    shared::the_background_task_sweeps(sweeping, &store.store, rows, rename).await;
}

/// Eight processes that migrate concurrently: none fails, and the table exists once.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn concurrent_migrations() {
    let table = servers::unique("sessions");
    let cleanup = drop_table_later(&table);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let table = table.clone();
        tasks.spawn(async move {
            let store = MySqlStore::connect(&url()).await.unwrap();
            store.table(&table).unwrap().migrate().await.unwrap()
        });
    }
    for store in tasks.join_all().await {
        Store::<Untyped>::check_ready(&store).await.unwrap();
        let opened = open(&store, &json!({"a": 1})).await;
        assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    }
    drop(cleanup);
}

/// The SQL of `schema`, run manually, creates what the store needs, also in another database or
/// schema.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_pool_and_a_database_of_the_application() {
    let schema = servers::unique("app");
    let remove = schema.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP DATABASE {remove}")));
    run(format!("CREATE DATABASE {schema}")).await;
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .connect_with(options())
        .await
        .unwrap();
    let store = MySqlStore::from_pool(pool.clone());
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
    let limited = MySqlPoolOptions::new().max_connections(1);
    let limited = limited.acquire_timeout(Duration::from_secs(1));
    let limited = limited.connect_with(options()).await.unwrap();
    let held = limited.acquire().await.unwrap();
    let store = MySqlStore::from_pool(limited.clone());
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
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn sessions_are_served_while_writes_are_refused() {
    let (store, table) = store().await;
    let user = servers::unique("r");
    let remove = user.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP USER {remove}")));
    run(format!(
        "CREATE USER {user}; GRANT SELECT ON {table} TO {user}"
    ))
    .await;
    let pool = MySqlPoolOptions::new().connect_with(options().username(&user));
    let reader = MySqlStore::from_pool(pool.await.unwrap());
    let reader = reader.table(&table).unwrap();
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle DIV 2");
    let age = async || run(slide.clone()).await;
    shared::network::sessions_are_served_while_writes_are_refused(&store.store, &reader, age).await;
}

/// Start-up errors name the cause and do not contain the password.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn startup_errors_name_the_cause() {
    let (host, port) = (options().get_host().to_owned(), options().get_port());
    let somebody = servers::unique("u");
    let remove = somebody.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP USER {remove}")));
    run(format!(
        "CREATE USER {somebody} IDENTIFIED BY 'correct horse'"
    ))
    .await;
    let postgres: sqlx::postgres::PgConnectOptions =
        servers::url("TEST_POSTGRES_URL").parse().unwrap();
    let form = "mysql://user:password@host:3306/database";
    let cases = [
        (String::new(), form),
        ("10.0.0.1:3306".to_owned(), form),
        (
            "postgres://me:hunter2@127.0.0.1/test".to_owned(),
            "another kind of server, `postgres`",
        ),
        (
            "mysql://me:hunter2@127.0.0.1:99999/test".to_owned(),
            "cannot be read",
        ),
        (
            "mysql://me:hunter2@127.0.0.1:3306".to_owned(),
            "names no database",
        ),
        (
            "mysql://me:hunter2@127.0.0.1:1/test".to_owned(),
            "no MySQL or MariaDB server answers",
        ),
        (
            format!("mysql://{somebody}:hunter2@{host}:{port}/test"),
            "check the user, the password",
        ),
        (format!("{}_nowhere", url()), "no such database"),
        (
            format!("mysql://me:hunter2@127.0.0.1:{}/test", postgres.get_port()),
            "whether it is a server of another kind",
        ),
    ];
    for (url, expected) in cases {
        let connecting = MySqlStore::connect(&url);
        assert!(!format!("{connecting:?}").contains("hunter2"));
        let failed = connecting
            .acquire_timeout(Duration::from_secs(5))
            .await
            .unwrap_err();
        let text = error_chain(&failed);
        assert!(text.contains(expected), "{url}: {text}");
        assert!(
            !text.contains("hunter2") && !format!("{failed:?}").contains("hunter2"),
            "{text}"
        );
    }
    let (store, table) = store().await;
    let ready = async || error_chain(&Store::<Untyped>::check_ready(&*store).await.unwrap_err());
    run(format!("ALTER TABLE {table} CHANGE due other BIGINT")).await;
    assert!(
        ready().await.contains("does not have the columns"),
        "{}",
        ready().await
    );
    run(format!("DROP TABLE {table}")).await;
    assert!(
        ready().await.contains("`.migrate().await?`"),
        "{}",
        ready().await
    );
    let refused = MySqlStore::connect(&url())
        .await
        .unwrap()
        .table("a; DROP TABLE b");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}

/// A user without write privileges is reported at startup.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn missing_privileges_are_reported_at_startup() {
    let (store, table) = store().await;
    let user = servers::unique("r");
    let remove = user.clone();
    let _cleanup = Cleanup::block_on(move || run(format!("DROP USER {remove}")));
    let grant = async |rights| {
        run(format!(
            "GRANT {rights} ON {table} TO {user}; GRANT {rights} ON {table}_subjects TO {user}"
        ))
        .await;
    };
    run(format!("CREATE USER {user}")).await;
    grant("SELECT").await;
    let pool = MySqlPoolOptions::new()
        .connect_with(options().username(&user))
        .await
        .unwrap();
    let reader = MySqlStore::from_pool(pool).table(&table).unwrap();
    let text = error_chain(&Store::<Untyped>::check_ready(&reader).await.unwrap_err());
    assert!(
        text.contains("GRANT SELECT, INSERT, UPDATE, DELETE"),
        "{text}"
    );
    // Migrating an existing table requires no further privileges.
    grant("INSERT, UPDATE, DELETE").await;
    let reader = reader.migrate().await.unwrap();
    Store::<Untyped>::check_ready(&reader).await.unwrap();
    let opened = open(&*store, &json!({})).await;
    load(&reader, opened).await;
}

mod small_packets {
    use connect_session::session_config;

    use super::*;

    session_config! {
        /// Its sessions may be larger than the server accepts.
        struct Shop {
            store: MySqlStore =
                MySqlStore::connect(&servers::url("TEST_MYSQL_SPARE_URL"))
                    .await?
                    .table("small_packets")?
                    .sweep_every(None)
                    .migrate()
                    .await?,
            max_size: 64KiB,
        }
    }

    async fn run_on_spare(statement: &str) {
        let url = servers::url("TEST_MYSQL_SPARE_URL");
        let mut connection = MySqlConnection::connect(&url).await.unwrap();
        let script = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        script.execute(&mut connection).await.unwrap();
    }

    /// The server would close the connection, which is no reason to tell a client to try again.
    #[tokio::test]
    #[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
    async fn sessions_that_the_server_does_not_accept() {
        let _cleanup = Cleanup::block_on(|| {
            run_on_spare(
                "SET GLOBAL max_allowed_packet = DEFAULT; DROP TABLE small_packets, small_packets_subjects",
            )
        });
        run_on_spare("SET GLOBAL max_allowed_packet = 32768").await;
        let text = Shop::start().await.unwrap_err().to_string();
        assert!(
            text.contains("`max_size`") && text.contains("`max_allowed_packet`"),
            "{text}"
        );
        let url = servers::url("TEST_MYSQL_SPARE_URL");
        let store = MySqlStore::connect(&url).await.unwrap();
        let store = store.table("small_packets").unwrap().sweep_every(None);
        let small = json!({"text": "x".repeat(30_000)});
        let large = json!({"text": "x".repeat(40_000)});
        let opened = open(&store, &small).await;
        let record = load(&store, opened).await;
        let refused = store.commit(opened.key, &set(&record, &large)).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::Unstorable(_)), "{refused:?}");
        let new = fixture::mint();
        let record = fixture::new_record(new.secret, &large);
        let refused = store.insert(new.key, &record).await.unwrap_err();
        assert!(
            error_chain(&refused).contains("`max_allowed_packet`"),
            "{refused:?}"
        );
        assert_eq!(fixture::json(&load(&store, opened).await), small);
        // The largest session that is accepted fits into the variables of a login. Beside the text, it has the name of
        // its field and its user.
        let largest = json!({"text": "x".repeat(32_768 - 1_024 - 11 - 3)});
        let new = fixture::mint();
        let record = NewRecord {
            login: Some(NewLogin {
                fence: Some(RevocationMark::default()),
                ..NewLogin::new("ada")
            }),
            ..fixture::new_record(new.secret, &largest)
        };
        fixture::open_as(&store, new, &record).await;
        assert_eq!(fixture::json(&load(&store, new).await), largest);
    }
}
