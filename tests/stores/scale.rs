//! The memory or disk space of a session in each store. docs/scale.md has the output for 100,000
//! sessions.
//!
//! `SCALE=100000 scripts/test --nocapture scale::` measures it. Without `SCALE` the tests insert
//! only a few thousand sessions, and fail if one is missing.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use connect_session::store::{Key, MySqlStore, PostgresStore, RedisStore, SqliteStore, Store};
use connect_session::{SessionId, Untyped};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::task::JoinSet;

use crate::fixture::{mint, new_record, open_as};
use crate::redis::tools::Redis;
use crate::{mysql, postgres, servers};

/// The number of concurrent inserts.
const WRITERS: u64 = 32;

/// Five fields, 200 bytes as JSON.
fn data() -> Value {
    json!({
        "cart": ["a-coffee-grinder-of-steel", "two-pounds-of-beans", "a-paper-filter"],
        "currency": "EUR",
        "last_seen": "2026-01-01T00:00:00Z",
        "visits": 17,
        "note": "leave it with the neighbours, please; nobody is i",
    })
}

fn sessions() -> u64 {
    std::env::var("SCALE").map_or(2_000, |number| number.parse().unwrap())
}

/// An id as the library generates it: ordered by time, with random bits.
fn id(number: u64, random: u64) -> SessionId {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.as_millis().to_be_bytes()[10..]);
    bytes[6..8].copy_from_slice(&[0x70, 0]);
    bytes[8..]
        .copy_from_slice(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ random).to_be_bytes());
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    SessionId::from_bytes(bytes)
}

/// Fills the store with sessions of one namespace, and returns their number.
async fn fill(store: &Arc<impl Store<Untyped>>) -> u64 {
    assert_eq!(data().to_string().len(), 200, "what docs/scale.md says");
    let namespace = mint().key.namespace;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in (writer..sessions()).step_by(WRITERS.try_into().unwrap()) {
                let mut opened = mint();
                let id = id(number, writer);
                opened.key = Key { namespace, id };
                open_as(&*store, opened, &new_record(opened.secret, &data())).await;
            }
        });
    }
    writers.join_all().await;
    store.count(namespace).await.unwrap()
}

fn print(store: &str, bytes: u64) {
    let sessions = sessions();
    println!("| {store} | {sessions} | {} |", bytes / sessions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis; scripts/test starts one"]
async fn redis() {
    let server = Redis::start(&[]).await;
    let used = || {
        let info: String = ::redis::cmd("INFO")
            .arg("memory")
            .query(&mut server.raw())
            .unwrap();
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = used();
    let store = Arc::new(RedisStore::connect(server.url()).await.unwrap());
    assert_eq!(fill(&store).await, sessions());
    print("Redis, `used_memory`", used() - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn postgres() {
    let table = servers::unique("scale");
    let store = PostgresStore::connect(&servers::url("TEST_POSTGRES_URL"));
    let store = store.await.unwrap().table(&table).unwrap();
    let store = store.migrate().await.unwrap();
    let _cleanup = postgres::drop_table_later(&table);
    assert_eq!(fill(&Arc::new(store)).await, sessions());
    let bytes =
        postgres::query_text(format!("SELECT pg_total_relation_size('{table}')::text")).await;
    print("PostgreSQL, table and indexes", bytes.parse().unwrap());
    let bytes = postgres::query_text(format!("SELECT pg_indexes_size('{table}')::text")).await;
    print("PostgreSQL, indexes alone", bytes.parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn mysql() {
    let table = servers::unique("scale");
    let store = MySqlStore::connect(&servers::url("TEST_MYSQL_URL"));
    let store = store.await.unwrap().table(&table).unwrap();
    let store = store.migrate().await.unwrap();
    let _cleanup = mysql::drop_table_later(&table);
    assert_eq!(fill(&Arc::new(store)).await, sessions());
    mysql::run(format!("ANALYZE TABLE {table}")).await;
    let bytes = mysql::query_text(format!(
        "SELECT CAST(data_length + index_length AS CHAR) FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = '{table}'"
    ));
    print("MariaDB, table and indexes", bytes.await.parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let directory = std::env::temp_dir().join(servers::unique("connect-session-scale"));
    std::fs::create_dir(&directory).unwrap();
    let store = SqliteStore::open(directory.join("sessions.db"))
        .await
        .unwrap();
    let store = Arc::new(store);
    assert_eq!(fill(&store).await, sessions());
    // Write the journal back, so that the database is one file.
    drop(store);
    let file = directory.join("sessions.db");
    let url = format!("sqlite://{}", file.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .unwrap();
    print("SQLite, the file", file.metadata().unwrap().len());
    drop(connection);
    std::fs::remove_dir_all(directory).unwrap();
}
