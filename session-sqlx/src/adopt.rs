//! [`SqlRecords`]: the table of axum_session, to be adopted.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use connect_session_runtime::adopt::AxumRecords;
use connect_session_runtime::store::BoxError;
use sqlx::AssertSqlSafe;
#[cfg(feature = "mysql")]
use sqlx::MySqlPool;
#[cfg(feature = "postgres")]
use sqlx::PgPool;
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;

use crate::timeout;

/// What the `SessionPgPool`, `SessionMySqlPool` or `SessionSqlitePool` of
/// [axum_session](https://docs.rs/axum_session) has stored, for `AxumSessions`. It is made from the pool of sqlx that
/// the old program used, or from another one of the same database.
///
/// A request waits for at most 5 seconds for the database.
///
/// ```no_run
/// use connect_session::adopt::{Adopted, AxumSessions, OldSessions as _, SqlRecords};
/// use connect_session::session_config;
/// use sqlx::PgPool;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     #[serde(default)]
///     items: Vec<String>,
/// }
///
/// fn cart_of(old: Cart) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(old))
/// }
///
/// session_config! {
///     struct Shop {
///         data: Cart,
///         loaders: [cookie("__Host-sid")],
///         adopt: {
///             let pool = PgPool::connect(&std::env::var("OLD_DATABASE_URL")?).await?;
///             AxumSessions::new(SqlRecords::from(pool))
///                 .signed(&std::fs::read("old.key")?)?
///                 .adopt(cart_of)
///         },
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct SqlRecords(Pool);

#[derive(Clone)]
enum Pool {
    #[cfg(feature = "mysql")]
    MySql(MySqlPool),
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
}

#[cfg(feature = "mysql")]
impl From<MySqlPool> for SqlRecords {
    fn from(pool: MySqlPool) -> Self {
        Self(Pool::MySql(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for SqlRecords {
    fn from(pool: PgPool) -> Self {
        Self(Pool::Postgres(pool))
    }
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for SqlRecords {
    fn from(pool: SqlitePool) -> Self {
        Self(Pool::Sqlite(pool))
    }
}

impl AxumRecords for SqlRecords {
    async fn read(&self, id: &str, table: &str) -> Result<Option<String>, BoxError> {
        check_name(table)?;
        // As axum_session decides it, by the clock of the program.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let now = i64::try_from(now)?;
        let select = |id: &str, now: &str| {
            AssertSqlSafe(format!(
                "SELECT session FROM {table} WHERE id = {id} AND (expires IS NULL OR expires > {now})"
            ))
        };
        match &self.0 {
            #[cfg(feature = "mysql")]
            Pool::MySql(pool) => {
                let query = sqlx::query_scalar(select("?", "?"));
                in_time(query.bind(id).bind(now).fetch_optional(pool)).await
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let query = sqlx::query_scalar(select("$1", "$2"));
                in_time(query.bind(id).bind(now).fetch_optional(pool)).await
            }
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => {
                let query = sqlx::query_scalar(select("?", "?"));
                in_time(query.bind(id).bind(now).fetch_optional(pool)).await
            }
        }
    }

    async fn remove(&self, id: &str, table: &str) -> Result<(), BoxError> {
        check_name(table)?;
        let delete = |id: &str| AssertSqlSafe(format!("DELETE FROM {table} WHERE id = {id}"));
        match &self.0 {
            #[cfg(feature = "mysql")]
            Pool::MySql(pool) => {
                let query = sqlx::query(delete("?"));
                in_time(query.bind(id).execute(pool)).await.map(drop)
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let query = sqlx::query(delete("$1"));
                in_time(query.bind(id).execute(pool)).await.map(drop)
            }
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => {
                let query = sqlx::query(delete("?"));
                in_time(query.bind(id).execute(pool)).await.map(drop)
            }
        }
    }
}

/// The name is a part of the statements, without quotes, as in those of axum_session.
fn check_name(table: &str) -> Result<(), BoxError> {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.');
    if table.is_empty() || !table.chars().all(is_plain) {
        return Err(format!(
            "{table:?} is not a valid `table_name` of `AxumSessions`: only letters, digits, `_` and a dot after a \
             schema are supported"
        )
        .into());
    }
    Ok(())
}

/// A pool would wait for longer, and forever for a server that does not answer.
async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, BoxError> {
    let limit = timeout::DEFAULT;
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(format!("the database did not answer within {limit:?}").into()),
    }
}

impl fmt::Debug for SqlRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlRecords").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    async fn one_connection() -> SqlitePool {
        let options = SqlitePoolOptions::new().max_connections(1);
        options.connect("sqlite::memory:").await.expect("a pool")
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_an_error() {
        let pool = one_connection().await;
        let _in_use = pool.acquire().await.expect("a connection");
        let records = SqlRecords::from(pool);
        tokio::time::pause();
        let late = "the database did not answer within 5s";
        let read = records.read("id", "sessions").await;
        assert_eq!(read.expect_err("no answer").to_string(), late);
        let removed = records.remove("id", "sessions").await;
        assert_eq!(removed.expect_err("no answer").to_string(), late);
    }

    #[tokio::test]
    async fn a_name_of_a_table_is_not_more_than_that() {
        for name in [
            "sessions",
            "app.sessions",
            "Sitzungen_für_2026",
            &"a".repeat(60),
        ] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let records = SqlRecords::from(one_connection().await);
        for name in ["", "a b", "a;b", "a--", "a'", "a\"b", "a`b", "(a)"] {
            let read = records.read("id", name).await.expect_err(name);
            assert!(read.to_string().contains("`table_name`"), "{read}");
            let removed = records.remove("id", name).await.expect_err(name);
            assert!(removed.to_string().contains("`table_name`"), "{removed}");
        }
    }
}
