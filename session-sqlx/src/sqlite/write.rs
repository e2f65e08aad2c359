//! Reading, and txn in turn.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite};

use super::Inner;
use crate::args::Args;
use crate::error::{ContextError, StatementError};
use connect_session_runtime::store::StoreError;

/// `SQLITE_IOERR`: it is not known what is on the disk.
const IO_ERROR: i32 = 10;
/// `SQLITE_FULL`: the disk, or what the file may grow to, is full.
const FULL: i32 = 13;

/// A transaction that has the right to write.
///
/// It is not sqlx's own: when the disk is full SQLite ends a transaction by itself, and sqlx would
/// go on to believe in it, whoever has the connection next.
pub(super) struct WriteTxn {
    pub(super) connection: PoolConnection<Sqlite>,
}

/// What becomes of what was written.
pub(super) enum Finish<T> {
    Commit(T),
    Rollback(T),
}

impl Inner {
    /// The rows of an answer.
    pub(super) async fn all(
        &self,
        statement: &Arc<str>,
        args: Args<Sqlite>,
    ) -> Result<Vec<SqliteRow>, StatementError> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), args.finish()?);
        query.fetch_all(&self.pool).await.map_err(failed)
    }

    /// Waits for the turn to write, and writes all of it or nothing. In this process the turn is a
    /// queue; without it writers would try again and again, and the luckiest would win.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut WriteTxn) -> Result<Finish<T>, StatementError>,
    ) -> Result<T, StatementError> {
        let turn = tokio::time::timeout(self.timeout, self.turn.lock()).await;
        let _turn = turn.map_err(|_| {
            let late = format!("no turn to write within {:?}", self.timeout);
            StatementError::NotApplied(ContextError::new(late).into())
        })?;
        let mut txn = WriteTxn {
            connection: self.pool.acquire().await.map_err(failed)?,
        };
        txn.execute("BEGIN IMMEDIATE").await.map_err(failed)?;
        let (result, is_over) = match work(&mut txn).await {
            Ok(Finish::Commit(value)) => match txn.execute("COMMIT").await {
                Ok(()) => (Ok(value), true),
                Err(error) => (Err(uncommitted(error)), false),
            },
            Ok(Finish::Rollback(value)) => (Ok(value), false),
            Err(failure) => (Err(failure), false),
        };
        if !is_over {
            txn.rollback().await;
        }
        result
    }
}

impl WriteTxn {
    pub(super) async fn all(
        &mut self,
        statement: &Arc<str>,
        args: Args<Sqlite>,
    ) -> Result<Vec<SqliteRow>, StatementError> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), args.finish()?);
        query.fetch_all(&mut *self.connection).await.map_err(failed)
    }

    pub(super) async fn one(
        &mut self,
        statement: &Arc<str>,
        args: Args<Sqlite>,
    ) -> Result<Option<SqliteRow>, StatementError> {
        Ok(self.all(statement, args).await?.pop())
    }

    pub(super) async fn run(
        &mut self,
        statement: &Arc<str>,
        args: Args<Sqlite>,
    ) -> Result<(), StatementError> {
        self.all(statement, args).await.map(drop)
    }

    async fn execute(&mut self, what: &'static str) -> Result<(), sqlx::Error> {
        let query = sqlx::query(what);
        query.execute(&mut *self.connection).await.map(drop)
    }

    /// Undoes what was written, if SQLite has not done so already. A connection of which that is
    /// not sure is closed, which undoes it.
    async fn rollback(mut self) {
        if let Err(error) = self.execute("ROLLBACK").await
            && !error.to_string().contains("no transaction is active")
        {
            drop(self.connection.detach());
        }
    }
}

/// Before a commit nothing is written for sure: whatever fails is rolled back.
fn failed(error: sqlx::Error) -> StatementError {
    StatementError::NotApplied(error.into())
}

fn uncommitted(error: sqlx::Error) -> StatementError {
    match &error {
        sqlx::Error::Database(_) if primary_code(&error) != Some(IO_ERROR) => failed(error),
        _ => StatementError::Unknown(error.into()),
    }
}

/// What an insertion that failed says: that the disk is full has a name of its own.
pub(super) fn full_or(failure: StatementError) -> StoreError {
    match failure {
        StatementError::NotApplied(error)
            if (error.downcast_ref::<sqlx::Error>()).and_then(primary_code) == Some(FULL) =>
        {
            StoreError::Full
        }
        other => other.into_write_error(),
    }
}

/// The code of SQLite without what extends it.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
