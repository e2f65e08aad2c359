//! Runs statements and transactions.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, Sqlite};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Inner;
use super::connections::{Connections, Lease};
use crate::error::{ContextError, StatementError};
use crate::finish::Finish;
use crate::operations::{Driver, Statement, Work};

/// `SQLITE_IOERR`: whether the transaction is in the file is unknown.
const IO_ERROR: i32 = 10;
/// `SQLITE_FULL`: the disk is full, or the file has reached its maximum size.
const FULL: i32 = 13;
/// `SQLITE_TOOBIG`: a row is longer than SQLite can store.
const TOO_BIG: i32 = 18;
/// `SQLITE_CONSTRAINT_PRIMARYKEY`.
const DUPLICATE_KEY: i32 = 1555;

/// The connections that a store opened itself.
#[derive(Clone)]
pub(super) struct Own {
    readers: Arc<Connections>,
    /// A single connection: its cache stays valid as long as no other process writes. A database in
    /// memory has no other connection, and `readers` is the same.
    writer: Arc<Connections>,
}

impl Own {
    pub(super) fn new(pool: &SqlitePool, connections: u32, acquire_timeout: Duration) -> Self {
        let open = |connections| Connections::new(pool.clone(), connections, acquire_timeout);
        let writer = open(1);
        let readers = match connections {
            0 | 1 => writer.clone(),
            more => open(more - 1),
        };
        Self { readers, writer }
    }
}

/// The turn of a write. The writes of one process run in the order of arrival; without this queue, SQLite
/// makes each writer retry, and a writer can be overtaken without limit.
#[derive(Clone, Default)]
pub(super) struct WriteQueue(Arc<Mutex<()>>);

impl WriteQueue {
    async fn turn(&self, timeout: Duration) -> Result<OwnedMutexGuard<()>, StatementError> {
        // Without a timer, if nothing writes.
        if let Ok(turn) = self.0.clone().try_lock_owned() {
            return Ok(turn);
        }
        let turn = tokio::time::timeout(timeout, self.0.clone().lock_owned()).await;
        turn.map_err(|_| {
            let late = format!("other writes of this process took more than {timeout:?}");
            StatementError::NotApplied(ContextError::new(late).into())
        })
    }
}

impl Inner {
    /// Does some work on a connection. `work` is called when it is its turn, because it contains the time.
    pub(super) async fn perform<W: Work<Sqlite>>(
        &self,
        work: impl Fn(bool) -> Result<W, StatementError> + Send + Sync,
    ) -> Result<W::Answer, StatementError> {
        if W::IS_READ {
            let lease = self.lease(true).await?;
            return perform_once(lease, work(false)?).await;
        }
        let turn = self.backend.write_queue.turn(self.timeout).await?;
        let lease = self.lease(false).await?;
        let work = work(false)?;
        // If the request is dropped, the next write must not begin before this one has ended.
        Finish::new(async move {
            let done = perform_once(lease, work).await;
            drop(turn);
            done
        })
        .await
    }

    /// Runs statements without arguments in one transaction. Each ends with a semicolon.
    pub(super) async fn run_script(&self, script: String) -> Result<(), StatementError> {
        let turn = self.backend.write_queue.turn(self.timeout).await?;
        let mut lease = self.lease(false).await?;
        Finish::new(async move {
            let script = format!("BEGIN IMMEDIATE; {script} COMMIT");
            let done = match lease.connection() {
                Some(connection) => run_transaction(connection, script).await,
                None => Err(sqlx::Error::PoolClosed),
            };
            drop(lease);
            drop(turn);
            done.map_err(failure)
        })
        .await
    }

    async fn lease(&self, is_read: bool) -> Result<Lease, StatementError> {
        let lease = match &self.backend.own {
            Some(own) => {
                let connections = if is_read { &own.readers } else { &own.writer };
                connections.acquire().await
            }
            None => Box::pin(Lease::pooled(&self.pool)).await,
        };
        lease.map_err(|error| StatementError::NotApplied(error.into()))
    }
}

async fn perform_once<W: Work<Sqlite>>(
    mut lease: Lease,
    work: W,
) -> Result<W::Answer, StatementError> {
    let Some(connection) = lease.connection() else {
        return Err(StatementError::NotApplied(sqlx::Error::PoolClosed.into()));
    };
    let answer = work.run(connection).await;
    if matches!(answer, Err(sqlx::Error::WorkerCrashed)) {
        lease.close();
    }
    answer.map_err(failure)
}

async fn run_transaction(
    connection: &mut SqliteConnection,
    script: String,
) -> Result<(), sqlx::Error> {
    let script = sqlx::raw_sql(AssertSqlSafe(script));
    let done = script.execute(&mut *connection).await;
    if done.is_err() {
        Sqlite::rollback(connection).await?;
    }
    done.map(drop)
}

impl Driver for Sqlite {
    type Id = Vec<u8>;

    fn id(bytes: [u8; 16]) -> Vec<u8> {
        bytes.into()
    }

    async fn row(
        connection: &mut SqliteConnection,
        statement: Statement<Self>,
    ) -> Result<Option<SqliteRow>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        query.fetch_optional(connection).await
    }

    async fn rows(
        connection: &mut SqliteConnection,
        statement: Statement<Self>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        query.fetch_all(connection).await
    }

    async fn script(
        connection: &mut SqliteConnection,
        script: String,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.fetch_all(connection).await
    }

    async fn rollback(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        // It fails if the transaction did not begin, or if SQLite has rolled it back.
        let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
        Ok(())
    }

    async fn write(
        connection: &mut SqliteConnection,
        statement: Statement<Self>,
    ) -> Result<u64, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        Ok(query.execute(connection).await?.rows_affected())
    }

    /// Reads all rows, because the transaction is only committed after the last one.
    async fn commit(
        connection: &mut SqliteConnection,
        statement: Statement<Self>,
    ) -> Result<Option<i64>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        let rows = query.fetch_all(connection).await?;
        rows.first().map(|row| row.try_get(0)).transpose()
    }
}

/// A statement that failed changed nothing, unless SQLite could not write to the file, or its thread has
/// ended.
fn failure(error: sqlx::Error) -> StatementError {
    let is_refused = match &error {
        sqlx::Error::Database(_) => primary_code(&error) != Some(IO_ERROR),
        other => matches!(other, sqlx::Error::Encode(_) | sqlx::Error::PoolClosed),
    };
    if is_refused {
        StatementError::NotApplied(error.into())
    } else {
        StatementError::Unknown(error.into())
    }
}

pub(super) fn is_full(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(FULL)
}

pub(super) fn is_too_big(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(TOO_BIG)
}

pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    code(error) == Some(DUPLICATE_KEY)
}

/// The result code of SQLite without its extension.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    code(error).map(|code| code & 0xff)
}

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
