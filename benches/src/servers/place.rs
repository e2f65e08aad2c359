//! The stores under test: the servers that the environment names, and a SQLite file.

use std::path::PathBuf;

use connect_session::SessionData;
use connect_session::store::{AnyStore, MySqlStore, PostgresStore, RedisStore, SqliteStore};
use sqlx::{AssertSqlSafe, Connection as _};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Redis,
    Postgres,
    MySql,
    Sqlite,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The name of this run.
fn name() -> String {
    format!("benches_{}", std::process::id())
}

/// A server, and the prefix of all keys or table names there.
#[derive(Clone, Debug)]
pub struct Place {
    pub kind: Kind,
    pub url: String,
    pub name: String,
}

impl Place {
    /// The servers in the environment variables of the tests, and a file.
    pub fn given() -> Vec<Self> {
        let name = name();
        let servers = [
            (Kind::Redis, "TEST_REDIS_URL"),
            (Kind::Postgres, "TEST_POSTGRES_URL"),
            (Kind::MySql, "TEST_MYSQL_URL"),
        ];
        let mut places = Vec::new();
        for (kind, variable) in servers {
            match std::env::var(variable) {
                Ok(url) => places.push(Self {
                    kind,
                    url,
                    name: name.clone(),
                }),
                Err(_) => eprintln!("Without {kind:?}: `{variable}` is not set.\n"),
            }
        }
        let file = std::env::temp_dir().join(format!("{name}.db"));
        places.push(Self {
            kind: Kind::Sqlite,
            url: format!("sqlite:{}", file.display()),
            name,
        });
        places
    }

    /// This library's store, with its defaults except the number of connections. Redis always has
    /// one.
    pub async fn store<D: SessionData>(&self, connections: u32) -> AnyStore<D> {
        let connected = match self.kind {
            Kind::Redis => {
                return AnyStore::new(Self::redis_store(&self.url).await.expect("a store"));
            }
            Kind::Postgres => {
                let store = PostgresStore::connect(&self.url).connections(connections);
                let store = store.await.expect("a store").table(&self.name);
                store.expect("a name").migrate().await.map(AnyStore::new)
            }
            Kind::MySql => {
                let store = MySqlStore::connect(&self.url).connections(connections);
                let store = store.await.expect("a store").table(&self.name);
                store.expect("a name").migrate().await.map(AnyStore::new)
            }
            Kind::Sqlite => {
                let store = SqliteStore::connect(&self.url).connections(connections);
                let store = store.await.expect("a store").table(&self.name);
                store.expect("a name").migrate().await.map(AnyStore::new)
            }
        };
        connected.expect("a table")
    }

    /// The store on a Redis server, with its defaults.
    pub async fn redis_store(url: &str) -> Result<RedisStore, BoxError> {
        let store = RedisStore::builder().url(url).prefix(name());
        Ok(store.build().await?)
    }

    /// The table of another library, which [`clean`](Self::clean) also drops.
    #[cfg(feature = "servers-peers")]
    pub fn name_of(&self, library: &str) -> String {
        format!("{}_{library}", self.name)
    }

    /// Removes all data of this run.
    pub async fn clean(&self) {
        match self.kind {
            Kind::Redis => self.unlink().await,
            Kind::Postgres => {
                let connection = sqlx::PgConnection::connect(&self.url).await;
                let mut connection = connection.expect("a connection");
                for statement in self.drops() {
                    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
                    done.await.expect("the data is removed");
                }
            }
            Kind::MySql => {
                let connection = sqlx::MySqlConnection::connect(&self.url).await;
                let mut connection = connection.expect("a connection");
                for statement in self.drops() {
                    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
                    done.await.expect("the data is removed");
                }
            }
            Kind::Sqlite => {
                for suffix in ["", "-wal", "-shm"] {
                    let file = PathBuf::from(format!("{}{suffix}", self.file()));
                    if file.exists() {
                        std::fs::remove_file(file).expect("the data is removed");
                    }
                }
            }
        }
    }

    /// The SQLite file.
    pub fn file(&self) -> &str {
        self.url.trim_start_matches("sqlite:")
    }

    fn drops(&self) -> Vec<String> {
        ["", "_subjects", "_axum_session", "_tower_sessions"]
            .map(|of| format!("DROP TABLE IF EXISTS {}{of}", self.name))
            .into()
    }

    async fn unlink(&self) {
        let client = redis::Client::open(&*self.url).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        let mut connection = connection.expect("a connection");
        let mut cursor = "0".to_owned();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor)
                .arg("MATCH")
                .arg(format!("{}*", self.name));
            scan.arg("COUNT").arg(1_000);
            let page = scan.query_async(&mut connection).await;
            let (next, keys): (String, Vec<Vec<u8>>) = page.expect("a page of keys");
            if !keys.is_empty() {
                let mut unlink = redis::cmd("UNLINK");
                let unlink = unlink.arg(keys).exec_async(&mut connection);
                unlink.await.expect("the data is removed");
            }
            cursor = next;
            if cursor == "0" {
                return;
            }
        }
    }
}
