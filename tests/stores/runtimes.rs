//! A store that several tokio runtimes use, as one in a `static` of tests does: each test has a runtime of
//! its own, which ends with the test. The store of a config is such a store.

use std::future::{Ready, ready};
use std::path::PathBuf;
use std::sync::{Barrier, LazyLock, OnceLock};

use axum::Router;
use connect_session::Untyped;
use connect_session::store::{
    AnyStore, CommitOutcome, MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore, Store,
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::data::tools::send;
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

/// What a test uses: a store, or an application whose config has one.
trait Subject: Sync {
    async fn run(&self);
}

impl Subject for AnyStore<Untyped> {
    async fn run(&self) {
        let opened = open(self, &json!({"n": 0})).await;
        for n in 1..=3 {
            let record = load(self, opened).await;
            assert_eq!(json(&record), json!({"n": n - 1}));
            let change = set(&record, &json!({ "n": n }));
            let committed = self.commit(opened.key, &change).await.unwrap();
            assert!(matches!(committed, CommitOutcome::Applied { .. }));
        }
        assert!(self.destroy(opened.key).await.unwrap());
    }
}

impl Subject for Router {
    async fn run(&self) {
        let (status, sid, body) = send(self, "POST", "/", "").await;
        assert_eq!(status, 200, "{body}");
        for n in 1..=3 {
            let (status, _, body) = send(self, "PUT", "/", &sid).await;
            assert_eq!((status, body), (200, n.to_string()));
        }
        let (status, _, body) = send(self, "DELETE", "/", &sid).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(send(self, "PUT", "/", &sid).await.0, 401);
    }
}

/// An application with a config of its own.
macro_rules! app {
    ($config:ident, $connect:expr) => {{
        use connect_session::{Error, Session, session, session_config};

        session_config! {
            struct $config { store: AnyStore<Untyped> = $connect.await? }
        }

        #[session(create)]
        async fn create(_session: Session<$config>) {}

        #[session(load)]
        async fn count(mut session: Session<$config>) -> Result<String, Error> {
            let n = session.get::<u8>("n")?.unwrap_or_default() + 1;
            session.insert("n", &n)?;
            Ok(n.to_string())
        }

        #[session(load)]
        async fn end(session: Session<$config>) -> Result<(), Error> {
            session.destroy().await
        }

        let routes = axum::routing::post(create).put(count).delete(end);
        Router::new().route("/", routes)
    }};
}

/// One runtime after another, each of which ends. A write is the first thing that each does.
fn in_turn(subject: &impl Subject) {
    for round in 0..6 {
        runtime(round % 2 == 0).block_on(subject.run());
    }
}

/// Runtimes that live, but are not running while another one uses the store.
fn alternating(subject: &impl Subject) {
    let runtimes = [runtime(false), runtime(false), runtime(true)];
    for _ in 0..3 {
        for runtime in &runtimes {
            runtime.block_on(subject.run());
        }
    }
}

/// Runtimes in threads of their own, which begin together, and end while others go on.
fn at_once(subject: &impl Subject) {
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
                        runtime.block_on(subject.run());
                    }
                }
            });
        }
    });
}

/// A runtime that ends while a request waits for the store to be built, or for its answer.
fn interrupted(subject: &impl Subject) {
    for polls in 1..20 {
        runtime(false).block_on(async {
            let mut run = std::pin::pin!(subject.run());
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    () = &mut run => return,
                    () = tokio::task::yield_now() => {}
                }
            }
        });
    }
}

fn works_in_every_runtime(subject: &impl Subject) {
    interrupted(subject);
    in_turn(subject);
    alternating(subject);
    at_once(subject);
    in_turn(subject);
}

/// Tests a store that was connected in a runtime which has ended, and an application.
macro_rules! works_in_every_runtime {
    ($connect:expr) => {
        let store = runtime(false).block_on(async {
            let store = $connect.await.unwrap();
            store.run().await;
            store
        });
        works_in_every_runtime(&store);
        works_in_every_runtime(&app!(First, $connect));
        // The first requests of a config come from several runtimes together.
        at_once(&app!(Second, $connect));
    };
}

type Connected = Result<AnyStore<Untyped>, Box<dyn std::error::Error + Send + Sync>>;

fn memory_store() -> Ready<Connected> {
    ready(Ok(AnyStore::new(MemoryStore::new())))
}

#[test]
fn memory() {
    works_in_every_runtime!(memory_store());
}

static FILE: OnceLock<PathBuf> = OnceLock::new();

async fn sqlite_store() -> Connected {
    let file = FILE.get().unwrap();
    Ok(AnyStore::new(SqliteStore::open(file).await?))
}

#[test]
fn sqlite() {
    let folder = Folder::new();
    FILE.set(folder.path().join("sessions.db")).unwrap();
    works_in_every_runtime!(sqlite_store());
}

async fn sqlite_in_memory_store() -> Connected {
    Ok(AnyStore::new(SqliteStore::memory().await?))
}

#[test]
fn sqlite_in_memory() {
    works_in_every_runtime!(sqlite_in_memory_store());
}

async fn redis_store() -> Connected {
    let store = RedisStore::connect(url("TEST_REDIS_URL")).await?;
    Ok(AnyStore::new(store))
}

#[test]
#[ignore = "needs Redis; scripts/test starts one"]
fn redis() {
    works_in_every_runtime!(redis_store());
}

async fn redis_cluster_store() -> Connected {
    let urls = url("TEST_REDIS_CLUSTER_URLS");
    let store = RedisStore::builder().cluster(urls.split(',')).replicas(1);
    Ok(AnyStore::new(store.build().await?))
}

#[test]
#[ignore = "needs a Redis Cluster; scripts/test starts one"]
fn redis_cluster() {
    works_in_every_runtime!(redis_cluster_store());
}

static TABLE: LazyLock<String> = LazyLock::new(|| unique("sessions"));

async fn postgres_store() -> Connected {
    let store = PostgresStore::connect(&url("TEST_POSTGRES_URL")).connections(6);
    let store = store.await?.table(&TABLE)?;
    Ok(AnyStore::new(store.migrate().await?))
}

#[test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
fn postgres() {
    let _cleanup = postgres::drop_table_later(&TABLE);
    works_in_every_runtime!(postgres_store());
}

async fn mysql_store() -> Connected {
    let store = MySqlStore::connect(&url("TEST_MYSQL_URL")).connections(6);
    let store = store.await?.table(&TABLE)?;
    Ok(AnyStore::new(store.migrate().await?))
}

#[test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
fn mysql() {
    let _cleanup = mysql::drop_table_later(&TABLE);
    works_in_every_runtime!(mysql_store());
}
