//! Reading, and writing in turn.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::Inner;
use crate::store::StoreError;
use crate::store::sql::bound::Bound;
use crate::store::sql::fault::{Failure, Fault};

/// `SQLITE_IOERR`: it is not known what is on the disk.
const IO_ERROR: i32 = 10;
/// `SQLITE_FULL`: the disk, or what the file may grow to, is full.
const FULL: i32 = 13;

/// A transaction that has the right to write. Dropped without a commit, it is rolled back.
pub(super) struct Writing {
    transaction: Transaction<'static, Sqlite>,
    _turn: OwnedMutexGuard<()>,
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

    /// Waits for the turn to write. In this process that is a queue; without it writers would try
    /// again and again, and the luckiest would win.
    pub(super) async fn write(&self) -> Result<Writing, Failure> {
        let turn = tokio::time::timeout(self.patience, self.turn.clone().lock_owned()).await;
        let turn = turn.map_err(|_| {
            let late = format!("no turn to write within {:?}", self.patience);
            Failure::Nothing(Fault::new(late).into())
        })?;
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await;
        Ok(Writing {
            transaction: transaction.map_err(|error| Failure::Nothing(error.into()))?,
            _turn: turn,
        })
    }
}

impl Writing {
    pub(super) async fn all(
        &mut self,
        statement: &Arc<str>,
        bound: Bound<Sqlite>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        let query = sqlx::query_with(AssertSqlSafe(statement.clone()), bound.arguments()?);
        query
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)
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

    pub(super) async fn commit(self) -> Result<(), Failure> {
        self.transaction
            .commit()
            .await
            .map_err(|error| match &error {
                sqlx::Error::Database(_) if primary_code(&error) != Some(IO_ERROR) => failed(error),
                _ => Failure::Unknown(error.into()),
            })
    }
}

/// Before a commit nothing is written for sure: whatever fails is rolled back.
fn failed(error: sqlx::Error) -> Failure {
    Failure::Nothing(error.into())
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

/// The code of `SQLite` without what extends it.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
