//! The minimum SQL statements, on rows of this library's table: with the same driver, prepared, and
//! with a pool of the same size.

use std::sync::Arc;

use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Row as _, query};
use tokio::sync::Mutex;

use super::Boxed;
use super::client::Client;
use super::place::{Kind, Place};
use super::rounds::{CLIENTS, Work};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `SELECT` of a row by its key.
    Read,
    /// `SELECT` of a row by its key, then `UPDATE` of its data and two numbers.
    Change,
    /// `INSERT` of a row.
    Create,
}

pub struct Raw {
    pool: Pool,
    what: What,
    ids: Vec<Uuid>,
    select: Arc<str>,
    update: Arc<str>,
    insert: Arc<str>,
    /// The data of the rows.
    fields: Vec<u8>,
    /// The initial version of the rows.
    version: i64,
    /// SQLite allows one write at a time.
    turn: Mutex<()>,
}

enum Pool {
    Postgres(PgPool),
    MySql(MySqlPool),
    Sqlite(SqlitePool),
}

/// Runs the same code for every driver.
macro_rules! over {
    ($pool:expr, |$each:ident| $todo:expr) => {
        match $pool {
            Pool::Postgres($each) => $todo,
            Pool::MySql($each) => $todo,
            Pool::Sqlite($each) => $todo,
        }
    };
}

impl Pool {
    async fn of(place: &Place, connections: u32) -> Self {
        let url = &place.url;
        match place.kind {
            Kind::Postgres => {
                let pool = PgPoolOptions::new().max_connections(connections);
                let pool = pool.test_before_acquire(false).connect(url).await;
                Self::Postgres(pool.expect("a pool"))
            }
            Kind::MySql => {
                let pool = MySqlPoolOptions::new().max_connections(connections);
                let pool = pool.test_before_acquire(false).connect(url).await;
                Self::MySql(pool.expect("a pool"))
            }
            Kind::Sqlite => {
                let pool = SqlitePoolOptions::new().max_connections(connections);
                let file = SqliteConnectOptions::new()
                    .filename(place.file())
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                let pool = pool.test_before_acquire(false).connect_with(file).await;
                Self::Sqlite(pool.expect("a pool"))
            }
            Kind::Redis => panic!("Redis knows no SQL"),
        }
    }
}

impl Raw {
    pub async fn new(place: &Place, router: &Client, connections: u32, what: What) -> Self {
        let mut ids = Vec::new();
        for _ in 0..CLIENTS {
            let id = router.ask("/id", Some(&router.seeded().await)).await.body;
            ids.push(id.parse().expect("an id"));
        }
        let pool = Pool::of(place, connections).await;
        let table = &place.name;
        let text = |statement: &str| match place.kind {
            Kind::Postgres => numbered(statement),
            _ => statement.to_owned(),
        };
        let namespace = match place.kind {
            Kind::Sqlite => "quote(namespace)",
            Kind::MySql => "CAST(namespace AS CHAR)",
            _ => "namespace::text",
        };
        let one = text(&format!(
            "SELECT {namespace}, fields FROM {table} WHERE id = ?"
        ));
        let (namespace, fields): (String, Vec<u8>) = over!(&pool, |pool| {
            let row = query(AssertSqlSafe(one)).bind(ids[0]).fetch_one(pool).await;
            let row = row.expect("a row");
            (row.get(0), row.get_unchecked(1))
        });
        let key = format!("namespace = {namespace} AND id = ?");
        let mut raw = Self {
            pool,
            what,
            ids,
            select: text(&format!("SELECT * FROM {table} WHERE {key}")).into(),
            update: text(&format!(
                "UPDATE {table} SET fields = ?, version = version + 1, idle_until = idle_until + 1
                WHERE {key}"
            ))
            .into(),
            insert: text(&format!(
                "INSERT INTO {table} (namespace, id, commit_id, secret, fields, format, version, epoch,
                    generation, transport, secret_since, idle, absolute, created_at, idle_until,
                    absolute_until, due)
                VALUES ({namespace}, ?, ?, ?, ?, 2, 1, 0, 0, 0, 1700000000000, 1800000, 86400000,
                    1700000000000, 9700000000000, 9700000000000, 9700000000000)"
            ))
            .into(),
            fields,
            version: 0,
            turn: Mutex::new(()),
        };
        raw.version = raw.read(0).await;
        raw
    }

    /// The version of a row.
    async fn read(&self, client: usize) -> i64 {
        let select = AssertSqlSafe(self.select.clone());
        over!(&self.pool, |pool| {
            let row = query(select).bind(self.ids[client]).fetch_one(pool).await;
            row.expect("a row").get("version")
        })
    }

    async fn change(&self, client: usize) {
        let update = AssertSqlSafe(self.update.clone());
        let _turn = self.turn().await;
        let rows = over!(&self.pool, |pool| {
            let update = query(update).bind(&self.fields).bind(self.ids[client]);
            let done = update.execute(pool).await.expect("an update");
            done.rows_affected()
        });
        assert_eq!(rows, 1, "the row is changed");
    }

    async fn create(&self) {
        let insert = AssertSqlSafe(self.insert.clone());
        let (id, secret) = (Uuid::from_bytes(new_id()), rand::random::<[u8; 32]>());
        let _turn = self.turn().await;
        let rows = over!(&self.pool, |pool| {
            let insert = query(insert).bind(id).bind(&id.as_bytes()[..]);
            let insert = insert.bind(&secret[..]).bind(&self.fields);
            let done = insert.execute(pool).await.expect("an insertion");
            done.rows_affected()
        });
        assert_eq!(rows, 1, "the row is inserted");
    }

    async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self.pool {
            Pool::Sqlite(_) => Some(self.turn.lock().await),
            _ => None,
        }
    }
}

/// PostgreSQL's placeholders are numbered.
fn numbered(statement: &str) -> String {
    let mut parts = statement.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    let parts = parts.enumerate();
    parts.fold(first, |text, (at, part)| format!("{text}${}{part}", at + 1))
}

/// A random id that is ordered by time, as the library's are.
fn new_id() -> [u8; 16] {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let millis = since.expect("a clock").as_millis();
    let mut id = rand::random::<[u8; 16]>();
    id[..6].copy_from_slice(&millis.to_be_bytes()[10..]);
    id
}

impl Work for Raw {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        Box::pin(async move {
            match self.what {
                What::Read => {
                    let version = self.read(client).await;
                    assert_eq!(version, self.version, "the row came back");
                }
                What::Change => {
                    assert!(self.read(client).await >= self.version, "the row came back");
                    self.change(client).await;
                }
                What::Create => self.create().await,
            }
        })
    }

    fn prove(&self, times: u64) -> Boxed<'_, ()> {
        Box::pin(async move {
            let changes = match self.what {
                What::Change => i64::try_from(times).expect("a number"),
                What::Read | What::Create => 0,
            };
            for client in 0..CLIENTS {
                let version = self.read(client).await;
                assert_eq!(version, self.version + changes, "every change is stored");
            }
        })
    }
}
