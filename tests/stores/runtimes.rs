//! A store that several tokio runtimes use, as one in a `static` of tests does: each test has a runtime of
//! its own, which ends with the test.

use std::sync::Barrier;

use connect_session::Untyped;
use connect_session::store::{
    AnyStore, CommitOutcome, MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore, Store,
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::fixture::{json, load, open, set};
use crate::servers::process::Folder;
use crate::servers::{unique, url};
use crate::{mysql, postgres};

fn runtime(is_multi_thread: bool) -> Runtime {
    let mut builder = if is_multi_thread {
        Builder::new_multi_thread()
    } else {
        Builder::new_current_thread()
    };
    builder.enable_all().worker_threads(2).build().unwrap()
}

/// What a test does with a session.
async fn use_store(store: &AnyStore<Untyped>) {
    let opened = open(store, &json!({"n": 0})).await;
    for n in 1..=3 {
        let record = load(store, opened).await;
        assert_eq!(json(&record), json!({"n": n - 1}));
        let change = set(&record, &json!({ "n": n }));
        let committed = store.commit(opened.key, &change).await.unwrap();
        assert!(matches!(committed, CommitOutcome::Applied { .. }));
    }
    assert!(store.destroy(opened.key).await.unwrap());
}

/// One runtime after another, each of which ends. A write is the first thing that each does.
fn in_turn(store: &AnyStore<Untyped>) {
    for round in 0..6 {
        runtime(round % 2 == 0).block_on(use_store(store));
    }
}

/// Runtimes that live, but are not running while another one uses the store.
fn alternating(store: &AnyStore<Untyped>) {
    let runtimes = [runtime(false), runtime(false), runtime(true)];
    for _ in 0..3 {
        for runtime in &runtimes {
            runtime.block_on(use_store(store));
        }
    }
}

/// Runtimes in threads of their own, which begin together, and end while others go on.
fn at_once(store: &AnyStore<Untyped>) {
    const THREADS: usize = 4;
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let together = &together;
            scope.spawn(move || {
                together.wait();
                for round in 0..8 {
                    let runtime = runtime((thread + round) % 2 == 0);
                    for _ in 0..=thread {
                        runtime.block_on(use_store(store));
                    }
                }
            });
        }
    });
}

/// `connect` runs in the first runtime, which ends.
fn works_in_every_runtime(connect: impl AsyncFn() -> AnyStore<Untyped>) {
    let store = runtime(false).block_on(async {
        let store = connect().await;
        use_store(&store).await;
        store
    });
    in_turn(&store);
    alternating(&store);
    at_once(&store);
    in_turn(&store);
}

#[test]
fn memory() {
    works_in_every_runtime(async || AnyStore::new(MemoryStore::new()));
}

#[test]
fn sqlite() {
    let folder = Folder::new();
    let file = folder.path().join("sessions.db");
    works_in_every_runtime(async || AnyStore::new(SqliteStore::open(&file).await.unwrap()));
}

#[test]
fn sqlite_in_memory() {
    works_in_every_runtime(async || AnyStore::new(SqliteStore::memory().await.unwrap()));
}

#[test]
#[ignore = "needs Redis; scripts/test starts one"]
fn redis() {
    works_in_every_runtime(async || {
        AnyStore::new(RedisStore::connect(url("TEST_REDIS_URL")).await.unwrap())
    });
}

#[test]
#[ignore = "needs a Redis Cluster; scripts/test starts one"]
fn redis_cluster() {
    works_in_every_runtime(async || {
        let urls = url("TEST_REDIS_CLUSTER_URLS");
        let store = RedisStore::builder().cluster(urls.split(',')).replicas(1);
        AnyStore::new(store.build().await.unwrap())
    });
}

#[test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
fn postgres() {
    let table = unique("sessions");
    let _cleanup = postgres::drop_table_later(&table);
    works_in_every_runtime(async || {
        let store = PostgresStore::connect(&url("TEST_POSTGRES_URL")).connections(6);
        let store = store.await.unwrap().table(&table).unwrap();
        AnyStore::new(store.migrate().await.unwrap())
    });
}

#[test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
fn mysql() {
    let table = unique("sessions");
    let _cleanup = mysql::drop_table_later(&table);
    works_in_every_runtime(async || {
        let store = MySqlStore::connect(&url("TEST_MYSQL_URL")).connections(6);
        let store = store.await.unwrap().table(&table).unwrap();
        AnyStore::new(store.migrate().await.unwrap())
    });
}
