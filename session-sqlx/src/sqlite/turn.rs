//! Reading, and writing in turn.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite};

use super::Inner;
use crate::bound::Bound;
use crate::fault::{Failure, Fault};
use connect_session_runtime::store::StoreError;

/// `SQLITE_IOERR`: it is not known what is on the disk.
const IO_ERROR: i32 = 10;
/// `SQLITE_FULL`: the disk, or what the file may grow to, is full.
const FULL: i32 = 13;

/// A transaction that has the right to write.
///
/// It is not sqlx's own: when the disk is full SQLite ends a transaction by itself, and sqlx would
/// go on to believe in it, whoever has the connection next.
pub(super) struct Writing {
    pub(super) connection: PoolConnection<Sqlite>,
}

/// What becomes of what was written.
pub(super) enum After<T> {
    Commit(T),
    Rollback(T),
}

impl Inner {
    /// The rows of an answer.
    pub(super) async fn all(
        &self,
        statement: &Arc<str>,
        bound: Bound<Sqlite>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), bound.arguments()?);
        query.fetch_all(&self.pool).await.map_err(failed)
    }

    /// Waits for the turn to write, and writes all of it or nothing. In this process the turn is a
    /// queue; without it writers would try again and again, and the luckiest would win.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Writing) -> Result<After<T>, Failure>,
    ) -> Result<T, Failure> {
        let turn = tokio::time::timeout(self.patience, self.turn.lock()).await;
        let _turn = turn.map_err(|_| {
            let late = format!("no turn to write within {:?}", self.patience);
            Failure::Nothing(Fault::new(late).into())
        })?;
        let mut writing = Writing {
            connection: self.pool.acquire().await.map_err(failed)?,
        };
        writing.say("BEGIN IMMEDIATE").await.map_err(failed)?;
        let (result, is_over) = match work(&mut writing).await {
            Ok(After::Commit(value)) => match writing.say("COMMIT").await {
                Ok(()) => (Ok(value), true),
                Err(error) => (Err(uncommitted(error)), false),
            },
            Ok(After::Rollback(value)) => (Ok(value), false),
            Err(failure) => (Err(failure), false),
        };
        if !is_over {
            writing.undo().await;
        }
        result
    }
}

impl Writing {
    pub(super) async fn all(
        &mut self,
        statement: &Arc<str>,
        bound: Bound<Sqlite>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), bound.arguments()?);
        query.fetch_all(&mut *self.connection).await.map_err(failed)
    }

    pub(super) async fn one(
        &mut self,
        statement: &Arc<str>,
        bound: Bound<Sqlite>,
    ) -> Result<Option<SqliteRow>, Failure> {
        Ok(self.all(statement, bound).await?.pop())
    }

    pub(super) async fn run(
        &mut self,
        statement: &Arc<str>,
        bound: Bound<Sqlite>,
    ) -> Result<(), Failure> {
        self.all(statement, bound).await.map(drop)
    }

    async fn say(&mut self, what: &'static str) -> Result<(), sqlx::Error> {
        let query = sqlx::query(what);
        query.execute(&mut *self.connection).await.map(drop)
    }

    /// Undoes what was written, if SQLite has not done so already. A connection of which that is
    /// not sure is closed, which undoes it.
    async fn undo(mut self) {
        if let Err(error) = self.say("ROLLBACK").await
            && !error.to_string().contains("no transaction is active")
        {
            drop(self.connection.detach());
        }
    }
}

/// Before a commit nothing is written for sure: whatever fails is rolled back.
fn failed(error: sqlx::Error) -> Failure {
    Failure::Nothing(error.into())
}

fn uncommitted(error: sqlx::Error) -> Failure {
    match &error {
        sqlx::Error::Database(_) if primary_code(&error) != Some(IO_ERROR) => failed(error),
        _ => Failure::Unknown(error.into()),
    }
}

/// What an insertion that failed says: that the disk is full has a name of its own.
pub(super) fn full_or(failure: Failure) -> StoreError {
    match failure {
        Failure::Nothing(error)
            if (error.downcast_ref::<sqlx::Error>()).and_then(primary_code) == Some(FULL) =>
        {
            StoreError::Full
        }
        other => other.of_write(),
    }
}

/// The code of SQLite without what extends it.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
