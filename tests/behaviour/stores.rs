//! The stores under test. Another one is a variant here, and a module in `support/cases.rs`.

#[cfg(any(feature = "redis", feature = "postgres", feature = "mysql"))]
#[path = "../shared/servers.rs"]
mod servers;
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[path = "../shared/temp_table.rs"]
#[allow(dead_code, reason = "the tests of the stores use the rest")]
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
use self::temp_table::AtLast;
use crate::data::{Heap, Stuff};
use crate::reference_store::EncodedStore;

/// Which store a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Live values, as the memory store keeps them.
    Memory,
    /// Encoded fields, as a store on a server keeps them.
    Encoded,
    /// `SqliteStore`, in memory.
    #[cfg(feature = "sqlite")]
    Sqlite,
    /// `RedisStore`, by the clock of its server.
    #[cfg(feature = "redis")]
    Redis,
    /// `PostgresStore`, by the clock of its server.
    #[cfg(feature = "postgres")]
    Postgres,
    /// `MySqlStore`, by the clock of its server.
    #[cfg(feature = "mysql")]
    MySql,
}

/// What a config of the suite is mounted with.
pub type TestStore<D> = FailingStore<AnyStore<D>>;

/// The stores of one server, or of several that share them.
#[derive(Clone)]
pub struct Stores {
    /// Of nearly every config.
    pub stuff: TestStore<Stuff>,
    /// Of the config without a data type.
    pub loose: TestStore<Untyped>,
    /// Of the config whose data may be large.
    pub heap: TestStore<Heap>,
    /// What is in them, if they are [`StoreKind::Encoded`].
    pub encoded: EncodedStore,
    clock: FakeClock,
    place: Place,
    /// Drops the table of this store.
    _at_last: Option<Arc<dyn Send + Sync>>,
}

/// What the stores of all types of data share.
#[derive(Clone)]
enum Place {
    /// Each type has a store of its own, of this size.
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

    /// A memory store of this size; the other ones have no limit.
    pub async fn with_capacity(kind: StoreKind, sessions: usize) -> Self {
        let clock = FakeClock::new();
        let encoded = EncodedStore::new(clock.clone());
        let (place, at_last): (_, Option<Arc<dyn Send + Sync>>) = match kind {
            StoreKind::Memory => (Place::Memory(sessions), None),
            StoreKind::Encoded => (Place::Encoded, None),
            #[cfg(feature = "sqlite")]
            StoreKind::Sqlite => {
                let store = SqliteStore::memory().await.unwrap();
                (Place::Sqlite(store.clock(clock.clone())), None)
            }
            #[cfg(feature = "redis")]
            StoreKind::Redis => (Place::Redis(redis().await), None),
            #[cfg(feature = "postgres")]
            StoreKind::Postgres => {
                let (store, at_last) = postgres().await;
                (Place::Postgres(store), Some(Arc::new(at_last)))
            }
            #[cfg(feature = "mysql")]
            StoreKind::MySql => {
                let (store, at_last) = mysql().await;
                (Place::MySql(store), Some(Arc::new(at_last)))
            }
        };
        Self {
            stuff: FailingStore::new(place.store(&clock, &encoded)),
            loose: FailingStore::new(place.store(&clock, &encoded)),
            heap: FailingStore::new(place.store(&clock, &encoded)),
            encoded,
            clock,
            place,
            _at_last: at_last,
        }
    }

    /// What goes wrong in the store of nearly every config, and what was asked of it.
    pub fn faults(&self) -> Faults {
        self.stuff.faults()
    }

    /// A store of encoded fields, whatever the others are.
    pub fn fields<D: SessionData>(&self) -> TestStore<D> {
        let place = match self.place {
            Place::Memory(_) => &Place::Encoded,
            _ => &self.place,
        };
        FailingStore::new(place.store(&self.clock, &self.encoded))
    }

    /// The clock, for a case that lets time pass. That of a server cannot be moved.
    pub fn clock(&self) -> &FakeClock {
        assert!(self.time_passes_by_hand(), "nobody moves a server's clock");
        &self.clock
    }

    /// Whether a case can let time pass, or has to wait.
    pub fn time_passes_by_hand(&self) -> bool {
        match self.place {
            #[cfg(feature = "redis")]
            Place::Redis(_) => false,
            #[cfg(feature = "postgres")]
            Place::Postgres(_) => false,
            #[cfg(feature = "mysql")]
            Place::MySql(_) => false,
            _ => true,
        }
    }

    /// How many living sessions of a namespace that store has.
    pub async fn count(&self, namespace: &'static str) -> u64 {
        self.stuff.count(namespace).await.unwrap()
    }

    /// How many writes that store was asked for.
    pub fn writes(&self) -> u64 {
        let faults = self.faults();
        faults.inserts() + faults.commits() + faults.destroys()
    }
}

impl Place {
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

/// Keys of its own; the server forgets them by itself.
#[cfg(feature = "redis")]
async fn redis() -> RedisStore {
    RedisStore::builder()
        .url(servers::url("TEST_REDIS_URL"))
        .prefix(servers::unique("behaviour"))
        .build()
        .await
        .unwrap()
}

/// A table of its own, which is dropped at last.
#[cfg(feature = "postgres")]
async fn postgres() -> (PostgresStore, AtLast) {
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
    (store, AtLast::block_on(drop))
}

/// The same.
#[cfg(feature = "mysql")]
async fn mysql() -> (MySqlStore, AtLast) {
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
    (store, AtLast::block_on(drop))
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn drop_table(table: &str) -> String {
    format!("DROP TABLE IF EXISTS {table}")
}
