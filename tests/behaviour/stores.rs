//! The stores under test. To add a store, add a variant here and a module in `support/cases.rs`.

#[cfg(any(feature = "redis", feature = "postgres", feature = "mysql"))]
#[path = "../shared/servers.rs"]
mod servers;
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[path = "../shared/temp_table.rs"]
#[allow(dead_code, reason = "the store tests use the rest")]
mod temp_table;

use std::sync::Arc;

#[cfg(feature = "mysql")]
use connect_session::store::MySqlStore;
#[cfg(feature = "postgres")]
use connect_session::store::PostgresStore;
#[cfg(feature = "redis")]
use connect_session::store::RedisStore;
#[cfg(feature = "sqlite")]
use connect_session::store::SqliteStore;
use connect_session::store::{AnyStore, MemoryStore, Store};
use connect_session::testing::{FailingStore, FakeClock, Faults};
use connect_session::{SessionData, Untyped};
#[cfg(feature = "mysql")]
use sqlx::MySqlConnection;
#[cfg(feature = "postgres")]
use sqlx::PgConnection;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use sqlx::{AssertSqlSafe, Connection as _};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use self::temp_table::Cleanup;
use crate::data::{Heap, Stuff};
use crate::reference_store::EncodedStore;

/// The store that a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// `MemoryStore`, which keeps values.
    Memory,
    /// `EncodedStore`, which keeps encoded fields as a server store does.
    Encoded,
    /// `SqliteStore`, in memory.
    #[cfg(feature = "sqlite")]
    Sqlite,
    /// `RedisStore`, which uses the clock of its server.
    #[cfg(feature = "redis")]
    Redis,
    /// `PostgresStore`, which uses the clock of its server.
    #[cfg(feature = "postgres")]
    Postgres,
    /// `MySqlStore`, which uses the clock of its server.
    #[cfg(feature = "mysql")]
    MySql,
}

/// The type of store that each config of the suite is mounted with.
pub type TestStore<D> = FailingStore<AnyStore<D>>;

/// The stores of one server, or of several servers that share them.
#[derive(Clone)]
pub struct Stores {
    /// Used by nearly every config.
    pub stuff: TestStore<Stuff>,
    /// Used by the config without a data type.
    pub loose: TestStore<Untyped>,
    /// Used by the config with large data.
    pub heap: TestStore<Heap>,
    /// The content of the stores, if they are [`StoreKind::Encoded`].
    pub encoded: EncodedStore,
    clock: FakeClock,
    backend: Backend,
    /// Drops the table of an SQL store.
    _cleanup: Option<Arc<dyn Send + Sync>>,
}

/// The backend that the stores of all data types share.
#[derive(Clone)]
enum Backend {
    /// Each data type has its own store, of this capacity.
    Memory(usize),
    Encoded,
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteStore),
    #[cfg(feature = "redis")]
    Redis(RedisStore),
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
    #[cfg(feature = "mysql")]
    MySql(MySqlStore),
}

impl Stores {
    pub async fn new(kind: StoreKind) -> Self {
        Self::with_capacity(kind, 1_000_000).await
    }

    /// Like [`new`](Self::new), with a capacity for the memory store; the others have no limit.
    pub async fn with_capacity(kind: StoreKind, sessions: usize) -> Self {
        let clock = FakeClock::new();
        let encoded = EncodedStore::new(clock.clone());
        let (backend, cleanup): (_, Option<Arc<dyn Send + Sync>>) = match kind {
            StoreKind::Memory => (Backend::Memory(sessions), None),
            StoreKind::Encoded => (Backend::Encoded, None),
            #[cfg(feature = "sqlite")]
            StoreKind::Sqlite => {
                let store = SqliteStore::memory().await.unwrap();
                (Backend::Sqlite(store.clock(clock.clone())), None)
            }
            #[cfg(feature = "redis")]
            StoreKind::Redis => (Backend::Redis(redis().await), None),
            #[cfg(feature = "postgres")]
            StoreKind::Postgres => {
                let (store, cleanup) = postgres().await;
                (Backend::Postgres(store), Some(Arc::new(cleanup)))
            }
            #[cfg(feature = "mysql")]
            StoreKind::MySql => {
                let (store, cleanup) = mysql().await;
                (Backend::MySql(store), Some(Arc::new(cleanup)))
            }
        };
        Self {
            stuff: FailingStore::new(backend.store(&clock, &encoded)),
            loose: FailingStore::new(backend.store(&clock, &encoded)),
            heap: FailingStore::new(backend.store(&clock, &encoded)),
            encoded,
            clock,
            backend,
            _cleanup: cleanup,
        }
    }

    /// The fault injection and call counts of the store of nearly every config.
    pub fn faults(&self) -> Faults {
        self.stuff.faults()
    }

    /// A store that encodes fields: on the backend of the other stores, or an `EncodedStore` instead of
    /// a `MemoryStore`.
    pub fn fields<D: SessionData>(&self) -> TestStore<D> {
        let backend = match self.backend {
            Backend::Memory(_) => &Backend::Encoded,
            _ => &self.backend,
        };
        // The configs that use it are versions of one another.
        FailingStore::new(backend.store(&self.clock, &self.encoded)).of_another_process()
    }

    /// The clock, for cases that advance it. The clock of a server cannot be moved.
    pub fn clock(&self) -> &FakeClock {
        assert!(
            self.has_movable_clock(),
            "the clock of a server cannot be moved"
        );
        &self.clock
    }

    /// Whether a case can advance the clock, or has to wait.
    pub fn has_movable_clock(&self) -> bool {
        match self.backend {
            #[cfg(feature = "redis")]
            Backend::Redis(_) => false,
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => false,
            #[cfg(feature = "mysql")]
            Backend::MySql(_) => false,
            _ => true,
        }
    }

    /// The number of live sessions in a namespace.
    pub async fn count(&self, namespace: &'static str) -> u64 {
        self.stuff.count(namespace).await.unwrap()
    }

    /// The number of writes that the store received.
    pub fn writes(&self) -> u64 {
        let faults = self.faults();
        faults.inserts() + faults.commits() + faults.destroys()
    }
}

impl Backend {
    fn store<D: SessionData>(&self, clock: &FakeClock, encoded: &EncodedStore) -> AnyStore<D> {
        match self {
            Self::Memory(sessions) => {
                let memory = MemoryStore::builder().capacity(*sessions).clock(clock);
                AnyStore::new(memory.build())
            }
            Self::Encoded => AnyStore::new(encoded.clone()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => AnyStore::new(store.clone()),
            #[cfg(feature = "redis")]
            Self::Redis(store) => AnyStore::new(store.clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => AnyStore::new(store.clone()),
            #[cfg(feature = "mysql")]
            Self::MySql(store) => AnyStore::new(store.clone()),
        }
    }
}

/// A store with its own key prefix; the keys expire by themselves.
#[cfg(feature = "redis")]
async fn redis() -> RedisStore {
    RedisStore::builder()
        .url(servers::url("TEST_REDIS_URL"))
        .prefix(servers::unique("behaviour"))
        .build()
        .await
        .unwrap()
}

/// A store with its own table, which is dropped at the end.
#[cfg(feature = "postgres")]
async fn postgres() -> (PostgresStore, Cleanup) {
    let table = servers::unique("behaviour");
    let store = PostgresStore::connect(&servers::url("TEST_POSTGRES_URL"));
    let store = store.await.unwrap().table(&table).unwrap();
    let store = store.sweep_every(None).migrate().await.unwrap();
    let drop = move || async move {
        let url = servers::url("TEST_POSTGRES_URL");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let statement = sqlx::raw_sql(AssertSqlSafe(drop_table(&table)));
        statement.execute(&mut connection).await.unwrap();
    };
    (store, Cleanup::block_on(drop))
}

/// A store with its own table, which is dropped at the end.
#[cfg(feature = "mysql")]
async fn mysql() -> (MySqlStore, Cleanup) {
    let table = servers::unique("behaviour");
    let store = MySqlStore::connect(&servers::url("TEST_MYSQL_URL"));
    let store = store.await.unwrap().table(&table).unwrap();
    let store = store.sweep_every(None).migrate().await.unwrap();
    let drop = move || async move {
        let url = servers::url("TEST_MYSQL_URL");
        let mut connection = MySqlConnection::connect(&url).await.unwrap();
        let statement = sqlx::raw_sql(AssertSqlSafe(drop_table(&table)));
        statement.execute(&mut connection).await.unwrap();
    };
    (store, Cleanup::block_on(drop))
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn drop_table(table: &str) -> String {
    format!("DROP TABLE IF EXISTS {table}, {table}_subjects")
}
