//! The stores, for data of any type.

use connect_session::store::{
    AnyStore, MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore, Store, TowerStore,
};
use connect_session::testing::FailingStore;
use connect_session::{SessionData, Untyped};
use tower_sessions_memory_store::MemoryStore as TowerMemoryStore;

use crate::temp_table::Cleanup;
use crate::{mysql, postgres, servers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    Redis,
    Postgres,
    MySql,
    Sqlite,
    Tower,
}

enum Kind {
    Memory,
    Redis(RedisStore),
    Postgres(
        PostgresStore,
        #[allow(dead_code, reason = "it is only dropped")] Cleanup,
    ),
    MySql(
        MySqlStore,
        #[allow(dead_code, reason = "it is only dropped")] Cleanup,
    ),
    Sqlite(SqliteStore),
    Tower(TowerStore<TowerMemoryStore>),
}

/// A place for sessions of any data.
pub struct Stores(Kind);

impl Stores {
    pub async fn open(place: Place) -> Self {
        let table = servers::unique("sessions");
        Self(match place {
            Place::Memory => Kind::Memory,
            Place::Redis => {
                let url = servers::url("TEST_REDIS_URL");
                Kind::Redis(RedisStore::connect(&url).await.unwrap())
            }
            Place::Postgres => {
                let store =
                    PostgresStore::connect(&servers::url("TEST_POSTGRES_URL")).connections(2);
                let store = store
                    .await
                    .unwrap()
                    .sweep_every(None)
                    .table(&table)
                    .unwrap();
                let cleanup = postgres::drop_table_later(&table);
                Kind::Postgres(store.migrate().await.unwrap(), cleanup)
            }
            Place::MySql => {
                let store = MySqlStore::connect(&servers::url("TEST_MYSQL_URL")).connections(2);
                let store = store
                    .await
                    .unwrap()
                    .sweep_every(None)
                    .table(&table)
                    .unwrap();
                let cleanup = mysql::drop_table_later(&table);
                Kind::MySql(store.migrate().await.unwrap(), cleanup)
            }
            Place::Sqlite => Kind::Sqlite(SqliteStore::memory().await.unwrap()),
            Place::Tower => Kind::Tower(TowerStore::new(TowerMemoryStore::default())),
        })
    }

    /// Whether the store keeps live values, so that one of another type cannot read them.
    pub fn is_live(&self) -> bool {
        matches!(self.0, Kind::Memory)
    }

    /// Whether the store keeps the version of the data of each session.
    pub fn keep_versions(&self) -> bool {
        !self.is_live() && self.of::<Untyped>().keeps_data_version()
    }

    /// The store for data of this type. All but the memory store share the sessions of all types. Two
    /// versions of a program, which share the sessions of a namespace, are two processes.
    pub fn of<D: SessionData>(&self) -> AnyStore<D> {
        AnyStore::new(FailingStore::new(self.own()).of_another_process())
    }

    fn own<D: SessionData>(&self) -> AnyStore<D> {
        match &self.0 {
            Kind::Memory => AnyStore::new(MemoryStore::new()),
            Kind::Redis(store) => AnyStore::new(store.clone()),
            Kind::Postgres(store, _) => AnyStore::new(store.clone()),
            Kind::MySql(store, _) => AnyStore::new(store.clone()),
            Kind::Sqlite(store) => AnyStore::new(store.clone()),
            Kind::Tower(store) => AnyStore::new(store.clone()),
        }
    }
}
