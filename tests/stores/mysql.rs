//! `MySqlStore`, on the server of `TEST_MYSQL_URL`.

use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{MySqlStore, Store, StoreError};
use connect_session::testing::conformance::{Harness, store_conformance};
use serde_json::json;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _};
use tokio::task::JoinSet;

use crate::fixture::{self, load, open, set, told, try_load};
use crate::sql_proxy::{Protocol, Proxy};
use crate::temp_table::{AtLast, Owned};
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
pub async fn look(statement: String) -> String {
    let mut connection = MySqlConnection::connect(&url()).await.unwrap();
    let query = sqlx::query(AssertSqlSafe(statement));
    query.fetch_one(&mut connection).await.unwrap().get(0)
}

async fn rows(table: &str) -> u64 {
    let count = look(format!("SELECT CAST(count(*) AS CHAR) FROM {table}")).await;
    count.parse().unwrap()
}

/// What drops a table.
pub fn drop_at_last(table: &str) -> AtLast {
    let table = table.to_owned();
    AtLast::block_on(move || run(format!("DROP TABLE IF EXISTS {table}")))
}

/// A store with a table of its own, which nothing sweeps by itself, and the table.
async fn store() -> (Arc<Owned<MySqlStore>>, String) {
    let table = servers::unique("sessions");
    let store = MySqlStore::connect(&url())
        .acquire_timeout(Duration::from_secs(30))
        .await
        .unwrap();
    let store = store.sweep_every(None).table(&table).unwrap();
    let store = store.migrate().await.unwrap();
    let at_last = drop_at_last(&table);
    (Arc::new(Owned { store, at_last }), table)
}

/// A store behind a proxy, on one connection.
async fn behind_a_proxy(acquire_timeout: Duration) -> (Owned<MySqlStore>, String, Proxy) {
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
    let at_last = drop_at_last(&table);
    (Owned { store, at_last }, table, proxy)
}

store_conformance! {
    #[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
    mod conformance, || async {
        // A tenth of the idle time, 400 ms, is more than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn overlapping_changes_all_count() {
    shared::overlapping_changes_all_count(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_name_is_data() {
    shared::a_name_is_data(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_subject_is_any_text() {
    shared::a_subject_is_any_text(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_foreign_row_is_left_alone() {
    let (store, table) = store().await;
    let make_foreign = async || run(format!("UPDATE {table} SET format = 2")).await;
    let of_two = format!("(SELECT id FROM {table} WHERE format = 2) AS foreign_rows");
    shared::a_foreign_row_is_left_alone(store, make_foreign, async || rows(&of_two).await).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn dropped_requests_harm_nobody() {
    let (store, table) = store().await;
    // One connection, which prepares every statement anew: a request is dropped there, too.
    let options = options().statement_cache_capacity(0);
    let pool = MySqlPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    let one = MySqlStore::from_pool(pool).table(&table).unwrap();
    shared::dropped_requests_harm_nobody(Arc::new(one)).await;
    drop(store);
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_sweep_disturbs_nobody() {
    let (store, table) = store().await;
    shared::a_sweep_disturbs_nobody(store, async || rows(&table).await).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_slid_deadline_is_filed_anew() {
    let (store, table) = store().await;
    let age = async || run(format!("UPDATE {table} SET due = 0")).await;
    shared::a_slid_deadline_is_filed_anew(store, age).await;
}

/// A verb is one statement, but for a conflict, which has to show the record, and for a load that
/// writes: two each. Nothing else is said for it.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn round_trips() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle DIV 2");
    let age = async || run(slide.clone()).await;
    for (verb, statements) in shared::statements(&store, || proxy.said(), age).await {
        let expected = match verb {
            "load and touch" | "load and offer" | "load and promote" | "conflict" => 2,
            _ => 1,
        };
        assert_eq!(statements, expected, "{verb}");
    }
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_network_fails() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(1)).await;
    let lock = async || {
        let mut connection = MySqlConnection::connect(&url()).await.unwrap();
        let lock = format!("BEGIN; SELECT id FROM {table} FOR UPDATE");
        let script = sqlx::raw_sql(AssertSqlSafe(lock));
        script.execute(&mut connection).await.unwrap();
        connection
    };
    let release = async |held: MySqlConnection| held.close().await.unwrap();
    shared::a_network_fails(Arc::new(store), &proxy, lock, release).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_lost_connection_is_replaced() {
    let (mut store, _, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    store.store = store.store.statement_timeout(Duration::from_millis(500));
    shared::a_lost_connection_is_replaced(&store, &proxy).await;
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn the_task_sweeps() {
    let (store, table) = store().await;
    let every = Some(Duration::from_millis(10));
    let sweeping = store.store.clone().sweep_every(every);
    let rename = async |away: bool| {
        let (from, to) = if away { ("", "_away") } else { ("_away", "") };
        run(format!("RENAME TABLE {table}{from} TO {table}{to}")).await;
    };
    let rows = async || rows(&table).await;
    shared::the_task_sweeps(sweeping, &store.store, rows, rename).await;
}

/// Eight processes that start at once: the table is there, once, and nobody fails.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn many_migrate_at_once() {
    let table = servers::unique("sessions");
    let at_last = drop_at_last(&table);
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
    drop(at_last);
}

/// What `schema` says, run by hand, is what the store needs; in a database of the program's, too.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn a_pool_and_a_database_of_the_program() {
    let schema = servers::unique("app");
    let remove = schema.clone();
    let _at_last = AtLast::block_on(move || run(format!("DROP DATABASE {remove}")));
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
        told(&missing).contains("there is no such table"),
        "{}",
        told(&missing)
    );
    run(store.schema()).await;
    Store::<Untyped>::check_ready(&store).await.unwrap();
    let opened = open(&store, &json!({"a": 1})).await;
    assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    assert_eq!(rows(&format!("{schema}.sessions")).await, 1);
    // The pool is the program's, and has one connection: while it is in use, a request waits as
    // long as the pool says, and no longer.
    let impatient = MySqlPoolOptions::new().max_connections(1);
    let impatient = impatient.acquire_timeout(Duration::from_secs(1));
    let impatient = impatient.connect_with(options()).await.unwrap();
    let held = impatient.acquire().await.unwrap();
    let store = MySqlStore::from_pool(impatient.clone());
    let store = store.table(&format!("{schema}.sessions")).unwrap();
    let failed = try_load(&store, opened).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    let record = {
        drop(held);
        load(&store, opened).await
    };
    let held = impatient.acquire().await.unwrap();
    let failed = store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await
        .unwrap_err();
    assert!(
        matches!(failed, StoreError::Unavailable(_)),
        "nothing was sent: {failed:?}"
    );
    drop(held);
}

/// One clear error at the beginning, which says what is wrong, and no password.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn what_is_wrong_is_told_at_the_beginning() {
    let (host, port) = (options().get_host().to_owned(), options().get_port());
    let somebody = servers::unique("u");
    let remove = somebody.clone();
    let _at_last = AtLast::block_on(move || run(format!("DROP USER {remove}")));
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
        let text = told(&failed);
        assert!(text.contains(expected), "{url}: {text}");
        assert!(
            !text.contains("hunter2") && !format!("{failed:?}").contains("hunter2"),
            "{text}"
        );
    }
    let (store, table) = store().await;
    let ready = async || told(&Store::<Untyped>::check_ready(&*store).await.unwrap_err());
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

/// A user who may read and not write is told at the beginning.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
async fn missing_rights_are_told() {
    let (store, table) = store().await;
    let user = servers::unique("r");
    let remove = user.clone();
    let _at_last = AtLast::block_on(move || run(format!("DROP USER {remove}")));
    let grant = async |rights| run(format!("GRANT {rights} ON {table} TO {user}")).await;
    run(format!("CREATE USER {user}")).await;
    grant("SELECT").await;
    let pool = MySqlPoolOptions::new()
        .connect_with(options().username(&user))
        .await
        .unwrap();
    let reader = MySqlStore::from_pool(pool).table(&table).unwrap();
    let text = told(&Store::<Untyped>::check_ready(&reader).await.unwrap_err());
    assert!(
        text.contains("GRANT SELECT, INSERT, UPDATE, DELETE"),
        "{text}"
    );
    // It needs no right to create what is there.
    grant("INSERT, UPDATE, DELETE").await;
    let reader = reader.migrate().await.unwrap();
    Store::<Untyped>::check_ready(&reader).await.unwrap();
    let opened = open(&*store, &json!({})).await;
    load(&reader, opened).await;
}
