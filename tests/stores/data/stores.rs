//! The stores, for data of any type.

use connect_session::store::{
    AnyStore, Change, CommitOutcome, DataVersions, InsertOutcome, Key, LoadRequest, MemoryStore,
    MySqlStore, NewRecord, PostgresStore, Record, RedisStore, SqliteStore, Store, StoreError,
    Timestamp, TowerStore,
};
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

    /// The store for data of this type. All but the memory store share the sessions of all types.
    pub fn of<D: SessionData>(&self) -> AnyStore<D> {
        AnyStore::new(AsAnotherProcess(self.own()))
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

/// A store without the id of its backend: two versions of a program, which share the sessions of a
/// namespace, are two processes.
struct AsAnotherProcess<D>(AnyStore<D>);

impl<D: SessionData> Store<D> for AsAnotherProcess<D> {
    fn is_serializing(&self) -> bool {
        self.0.is_serializing()
    }

    fn keeps_data_version(&self) -> bool {
        self.0.keeps_data_version()
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.0.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        self.0.load(key, request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        self.0.commit(key, change).await
    }

    async fn insert_versioned(
        &self,
        key: Key,
        record: &NewRecord<D>,
        versions: DataVersions,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.0.insert_versioned(key, record, versions).await
    }

    async fn load_versioned(
        &self,
        key: Key,
        request: &LoadRequest,
        versions: DataVersions,
    ) -> Result<Option<Record<D>>, StoreError> {
        self.0.load_versioned(key, request, versions).await
    }

    async fn commit_versioned(
        &self,
        key: Key,
        change: &Change<D>,
        versions: DataVersions,
    ) -> Result<CommitOutcome<D>, StoreError> {
        self.0.commit_versioned(key, change, versions).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.0.destroy(key).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.0.count(namespace).await
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
