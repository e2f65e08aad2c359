//! Reads, and write transactions.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite};

use connect_session_runtime::store::StoreError;

use crate::args::Args;
use crate::backend;
use crate::error::{ContextError, StatementError};

/// `SQLITE_IOERR`: the state of the file is unknown.
const IO_ERROR: i32 = 10;
/// `SQLITE_FULL`: the disk is full, or the file has reached its maximum size.
const FULL: i32 = 13;

/// A transaction that can write.
///
/// It does not use sqlx's transactions: if the disk is full, SQLite ends a transaction by itself, and
/// sqlx would still consider it open when the connection is used next.
pub(super) struct WriteTxn {
    pub(super) connection: PoolConnection<Sqlite>,
}

/// How a transaction ends.
pub(super) enum Finish<T> {
    Commit(T),
    Rollback(T),
}

impl backend::Inner<super::SqliteBackend> {
    /// Runs a statement outside a transaction and returns its rows.
    pub(super) async fn all(
        &self,
        statement: &Arc<str>,
        args: Args<Sqlite>,
    ) -> Result<Vec<SqliteRow>, StatementError> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), args.finish()?);
        query.fetch_all(&self.pool).await.map_err(not_applied)
    }

    /// Runs a write transaction. The transactions of one process run in the order of arrival; without
    /// this queue, SQLite makes each writer retry, and a writer can be overtaken without limit.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut WriteTxn) -> Result<Finish<T>, StatementError>,
    ) -> Result<T, StatementError> {
        let permit = tokio::time::timeout(self.timeout, self.backend.write_lock.lock()).await;
        let _permit = permit.map_err(|_| {
            let late = format!(
                "another write held the lock for more than {:?}",
                self.timeout
            );
            StatementError::NotApplied(ContextError::new(late).into())
        })?;
        let mut txn = WriteTxn {
            connection: self.pool.acquire().await.map_err(not_applied)?,
        };
        txn.execute("BEGIN IMMEDIATE").await.map_err(not_applied)?;
        let (result, is_committed) = match work(&mut txn).await {
            Ok(Finish::Commit(value)) => match txn.execute("COMMIT").await {
                Ok(()) => (Ok(value), true),
                Err(error) => (Err(commit_error(error)), false),
            },
            Ok(Finish::Rollback(value)) => (Ok(value), false),
            Err(failure) => (Err(failure), false),
        };
        if !is_committed {
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
        let rows = query.fetch_all(&mut *self.connection).await;
        rows.map_err(not_applied)
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

    async fn execute(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let query = sqlx::query(statement);
        query.execute(&mut *self.connection).await.map(drop)
    }

    /// Rolls back, unless SQLite already has. If the rollback fails, the connection is closed, which
    /// rolls back too.
    async fn rollback(mut self) {
        if let Err(error) = self.execute("ROLLBACK").await
            && !error.to_string().contains("no transaction is active")
        {
            drop(self.connection.detach());
        }
    }
}

/// An error before the commit: the transaction is rolled back, so nothing is written.
fn not_applied(error: sqlx::Error) -> StatementError {
    StatementError::NotApplied(error.into())
}

fn commit_error(error: sqlx::Error) -> StatementError {
    match &error {
        sqlx::Error::Database(_) if primary_code(&error) != Some(IO_ERROR) => not_applied(error),
        _ => StatementError::Unknown(error.into()),
    }
}

/// The error of an insertion that failed.
pub(super) fn insert_error(failure: StatementError) -> StoreError {
    if failure.not_applied().and_then(primary_code) == Some(FULL) {
        StoreError::Full
    } else {
        failure.into_write_error()
    }
}

/// The result code of SQLite without its extension.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
