//! The minimum SQL statements, on rows of this library's table: with the same driver, prepared, and
//! with a pool of the same size.

use std::sync::Arc;

use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _, query};
use tokio::sync::Mutex;

use super::Boxed;
use super::client::Client;
use super::place::{Kind, Place};
use super::rounds::{CLIENTS, Work};
use super::shop::NAMESPACE;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `SELECT` of a row by its key.
    Read,
    /// `UPDATE` of a row by its key: its data and two numbers.
    Change,
}

pub struct Raw {
    pool: Pool,
    what: What,
    ids: Vec<String>,
    select: Arc<str>,
    update: Arc<str>,
    /// The data of the rows.
    fields: String,
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
            ids.push(id.replace('-', ""));
        }
        let table = &place.name;
        let (key, text, fields) = match place.kind {
            Kind::Postgres => (
                "namespace = $1 AND id = $2::text::uuid",
                "fields::text",
                "$3::text::jsonb",
            ),
            Kind::MySql => ("namespace = ? AND id = UNHEX(?)", "fields", "?"),
            _ => ("namespace = ?1 AND id = unhex(?2)", "fields", "?3"),
        };
        let mut raw = Self {
            pool: Pool::of(place, connections).await,
            what,
            ids,
            select: format!("SELECT * FROM {table} WHERE {key}").into(),
            update: format!(
                "UPDATE {table} SET fields = {fields}, version = version + 1,
                    idle_until = idle_until + 1 WHERE {key}"
            )
            .into(),
            fields: String::new(),
            version: 0,
            turn: Mutex::new(()),
        };
        raw.version = raw.read(0).await;
        let fields = format!("SELECT {text} FROM {table} WHERE {key}");
        raw.fields = over!(&raw.pool, |pool| {
            let row = query(AssertSqlSafe(fields))
                .bind(NAMESPACE)
                .bind(&raw.ids[0]);
            row.fetch_one(pool).await.expect("a row").get(0)
        });
        raw
    }

    /// The version of a row.
    async fn read(&self, client: usize) -> i64 {
        let select = AssertSqlSafe(self.select.clone());
        over!(&self.pool, |pool| {
            let row = query(select).bind(NAMESPACE).bind(&self.ids[client]);
            row.fetch_one(pool).await.expect("a row").get("version")
        })
    }

    async fn change(&self, client: usize) {
        let update = AssertSqlSafe(self.update.clone());
        let (fields, id) = (&self.fields, &self.ids[client]);
        let rows = match &self.pool {
            // MySQL's parameters are unnumbered, in the order of the text.
            Pool::MySql(pool) => {
                let update = query(update).bind(fields).bind(NAMESPACE).bind(id);
                update.execute(pool).await.map(|done| done.rows_affected())
            }
            Pool::Postgres(pool) => {
                let update = query(update).bind(NAMESPACE).bind(id).bind(fields);
                update.execute(pool).await.map(|done| done.rows_affected())
            }
            Pool::Sqlite(pool) => {
                let _turn = self.turn.lock().await;
                let update = query(update).bind(NAMESPACE).bind(id).bind(fields);
                update.execute(pool).await.map(|done| done.rows_affected())
            }
        };
        assert_eq!(rows.expect("an update"), 1, "the row is changed");
    }
}

impl Work for Raw {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        Box::pin(async move {
            match self.what {
                What::Read => {
                    let version = self.read(client).await;
                    assert_eq!(version, self.version, "the row came back");
                }
                What::Change => self.change(client).await,
            }
        })
    }

    fn prove(&self, times: u64) -> Boxed<'_, ()> {
        Box::pin(async move {
            let changes = match self.what {
                What::Read => 0,
                What::Change => i64::try_from(times).expect("a number"),
            };
            for client in 0..CLIENTS {
                let version = self.read(client).await;
                assert_eq!(version, self.version + changes, "every change is stored");
            }
        })
    }
}
