//! `PostgresStore`, on the server of `TEST_POSTGRES_URL`.

use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    LoadRequest, PostgresStore, Record, Renewal, SecretHash, Store, StoreError,
};
use connect_session::testing::conformance::{Harness, store_conformance};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::task::JoinSet;

use crate::fixture::{self, load, open, request, set, told, try_load};
use crate::sql_proxy::{Protocol, Proxy};
use crate::temp_table::{AtLast, Owned};
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
pub async fn look(statement: String) -> String {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let query = sqlx::query(AssertSqlSafe(statement));
    query.fetch_one(&mut connection).await.unwrap().get(0)
}

async fn rows(table: &str) -> u64 {
    let count = look(format!("SELECT count(*)::text FROM {table}")).await;
    count.parse().unwrap()
}

/// What drops a table.
pub fn drop_at_last(table: &str) -> AtLast {
    let table = table.to_owned();
    AtLast::block_on(move || run(format!("DROP TABLE IF EXISTS {table}")))
}

/// A store with a table of its own, which nothing sweeps by itself, and the table.
async fn store() -> (Arc<Owned<PostgresStore>>, String) {
    let table = servers::unique("sessions");
    let store = PostgresStore::connect(&url())
        .acquire_timeout(Duration::from_secs(30))
        .await
        .unwrap();
    let store = store.sweep_every(None).table(&table).unwrap();
    let store = store.migrate().await.unwrap();
    let at_last = drop_at_last(&table);
    (Arc::new(Owned { store, at_last }), table)
}

/// A store behind a proxy, on one connection.
async fn behind_a_proxy(acquire_timeout: Duration) -> (Owned<PostgresStore>, String, Proxy) {
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
    let at_last = drop_at_last(&table);
    (Owned { store, at_last }, table, proxy)
}

store_conformance! {
    #[ignore = "needs PostgreSQL; scripts/test brings one"]
    mod conformance, || async {
        // A tenth of the idle time, 400 ms, is more than twenty loads take.
        let store = Arc::into_inner(store().await.0).unwrap();
        Harness::new(store).with_unit(Duration::from_millis(400))
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn overlapping_changes_all_count() {
    shared::overlapping_changes_all_count(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_name_is_data() {
    shared::a_name_is_data(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_subject_is_any_text() {
    shared::a_subject_is_any_text(store().await.0).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_foreign_row_is_left_alone() {
    let (store, table) = store().await;
    let make_foreign = async || run(format!("UPDATE {table} SET format = 2")).await;
    let of_two = format!("(SELECT FROM {table} WHERE format = 2) AS foreign_rows");
    shared::a_foreign_row_is_left_alone(store, make_foreign, async || rows(&of_two).await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn dropped_requests_harm_nobody() {
    let (store, _, _proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    shared::dropped_requests_harm_nobody(Arc::new(store)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_sweep_disturbs_nobody() {
    let (store, table) = store().await;
    shared::a_sweep_disturbs_nobody(store, async || rows(&table).await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_slid_deadline_is_filed_anew() {
    let (store, table) = store().await;
    let age = async || run(format!("UPDATE {table} SET due = 0")).await;
    shared::a_slid_deadline_is_filed_anew(store, age).await;
}

/// What another process has locked, a sweep leaves to a later turn.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_sweep_waits_for_nobody() {
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

/// A load that has nothing to write does not write, and does not lock either.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_load_only_reads() {
    let (store, table) = store().await;
    let opened = open(&*store, &json!({"a": 1})).await;
    let place = || {
        look(format!(
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
        let record: Option<Record<Untyped>> = store.load(opened.key, &request).await.unwrap();
        assert!(record.is_some());
    }
    assert_eq!(place().await, before);
    // And this is how a write would show.
    let record = load(&*store, opened).await;
    store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await
        .unwrap();
    assert_ne!(place().await, before);
}

/// Every verb is one statement, and nothing else is said for it.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn round_trips() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle / 2");
    let age = async || run(slide.clone()).await;
    for (verb, statements) in shared::statements(&store, || proxy.said(), age).await {
        assert_eq!(statements, 1, "{verb}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_network_fails() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(1)).await;
    let lock = async || {
        let mut connection = PgConnection::connect(&url()).await.unwrap();
        let lock = format!("BEGIN; SELECT FROM {table} FOR UPDATE");
        let script = sqlx::raw_sql(AssertSqlSafe(lock));
        script.execute(&mut connection).await.unwrap();
        connection
    };
    let release = async |held: PgConnection| held.close().await.unwrap();
    shared::a_network_fails(Arc::new(store), &proxy, lock, release).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_lost_connection_is_replaced() {
    let (mut store, _, proxy) = behind_a_proxy(Duration::from_secs(10)).await;
    store.store = store.store.statement_timeout(Duration::from_millis(500));
    shared::a_lost_connection_is_replaced(&store, &proxy).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn the_task_sweeps() {
    let (store, table) = store().await;
    let every = Some(Duration::from_millis(10));
    let sweeping = store.store.clone().sweep_every(every);
    let rename = async |away: bool| {
        let (from, to) = if away { ("", "_away") } else { ("_away", "") };
        run(format!("ALTER TABLE {table}{from} RENAME TO {table}{to}")).await;
    };
    let rows = async || rows(&table).await;
    shared::the_task_sweeps(sweeping, &store.store, rows, rename).await;
}

/// Eight processes that start at once: the table is there, once, and nobody fails.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn many_migrate_at_once() {
    let table = servers::unique("sessions");
    let at_last = drop_at_last(&table);
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
    assert_eq!(look(index).await, "2");
    drop(at_last);
}

/// What `schema` says, run by hand, is what the store needs; in a schema of the program's, too.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn a_pool_and_a_schema_of_the_program() {
    let schema = servers::unique("app");
    let remove = schema.clone();
    let _at_last = AtLast::block_on(move || run(format!("DROP SCHEMA {remove} CASCADE")));
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
    let impatient = PgPoolOptions::new().max_connections(1);
    let impatient = impatient.acquire_timeout(Duration::from_secs(1));
    let impatient = impatient.connect_with(options()).await.unwrap();
    let held = impatient.acquire().await.unwrap();
    let store = PostgresStore::from_pool(impatient.clone());
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
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn what_is_wrong_is_told_at_the_beginning() {
    let (host, port) = (options().get_host().to_owned(), options().get_port());
    let nobody = servers::unique("nobody");
    let mysql: sqlx::mysql::MySqlConnectOptions = servers::url("TEST_MYSQL_URL").parse().unwrap();
    let cases = [
        (String::new(), "postgres://user:password@host:5432/database"),
        (
            "10.0.0.1:5432".to_owned(),
            "postgres://user:password@host:5432/database",
        ),
        (
            "mysql://me:hunter2@127.0.0.1/test".to_owned(),
            "another kind of server, `mysql`",
        ),
        (
            "postgres://me:hunter2@127.0.0.1:99999/test".to_owned(),
            "cannot be read",
        ),
        (
            "postgres://me:hunter2@127.0.0.1:1/test".to_owned(),
            "no PostgreSQL server answers",
        ),
        (
            format!("postgres://{nobody}:hunter2@{host}:{port}/test"),
            "check the user, the password",
        ),
        (format!("{}_nowhere", url()), "no such database"),
        (
            format!("postgres://me:hunter2@127.0.0.1:{}/test", mysql.get_port()),
            "does not use the PostgreSQL protocol",
        ),
    ];
    for (url, expected) in cases {
        let connecting = PostgresStore::connect(&url);
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
    run(format!("ALTER TABLE {table} RENAME COLUMN due TO other")).await;
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
    let refused = PostgresStore::connect(&url())
        .await
        .unwrap()
        .table("a; DROP TABLE b");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}

/// A user who may read and not write is told at the beginning.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test brings one"]
async fn missing_rights_are_told() {
    let (store, table) = store().await;
    let user = servers::unique("reader");
    let remove = user.clone();
    let drop_user = async move || run(format!("DROP OWNED BY {remove}; DROP ROLE {remove}")).await;
    let _at_last = AtLast::block_on(drop_user);
    run(format!(
        "CREATE ROLE {user} LOGIN; GRANT SELECT ON {table} TO {user}"
    ))
    .await;
    let pool = PgPoolOptions::new()
        .connect_with(options().username(&user))
        .await
        .unwrap();
    let reader = PostgresStore::from_pool(pool).table(&table).unwrap();
    let text = told(&Store::<Untyped>::check_ready(&reader).await.unwrap_err());
    assert!(
        text.contains("GRANT SELECT, INSERT, UPDATE, DELETE"),
        "{text}"
    );
    // It needs no right to create what is there.
    run(format!("GRANT INSERT, UPDATE, DELETE ON {table} TO {user}")).await;
    let reader = reader.migrate().await.unwrap();
    Store::<Untyped>::check_ready(&reader).await.unwrap();
    let opened = open(&*store, &json!({})).await;
    load(&reader, opened).await;
}
