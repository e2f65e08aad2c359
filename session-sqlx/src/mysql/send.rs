//! Reads answers, and classifies the errors of the server.

use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlQueryResult, MySqlRow};
use sqlx::{AssertSqlSafe, MySql};

use crate::operations::{Driver, Statement};

/// `ER_DUP_ENTRY`: the key exists.
const DUPLICATE_KEY: u16 = 1062;
/// `ER_NO_SUCH_TABLE`.
pub(super) const NO_SUCH_TABLE: u16 = 1146;
/// `ER_KEY_DOES_NOT_EXITS`, which is spelled like this.
pub(super) const NO_SUCH_INDEX: u16 = 1176;
/// `ER_LOCK_DEADLOCK`.
const DEADLOCK: u16 = 1213;
/// `ER_CHECKREAD` of MariaDB: a row that a transaction would lock was changed since its first read.
const CHANGED_SINCE_READ: u16 = 1020;

/// The errors after which a statement may have been executed: the server is shutting down (1053), the
/// commit failed (1180), or the server closed the connection (1927, 4031).
const UNKNOWN_OUTCOME: [u16; 4] = [1053, 1180, 1927, 4031];

/// The errors of a server that accepts no writes, such as one that was demoted: it is not in its cluster
/// (1047), is shutting down (1053), has the option `read_only` (1290), its transactions are read-only (1792),
/// it runs in read-only mode (1836), or it is offline (3032).
const DEMOTED: [u16; 6] = [1047, 1053, 1290, 1792, 1836, 3032];

impl Driver for MySql {
    /// An id is `BINARY(16)`.
    type Id = Vec<u8>;

    fn id(bytes: [u8; 16]) -> Vec<u8> {
        bytes.into()
    }

    async fn row(
        connection: &mut MySqlConnection,
        statement: Statement<Self>,
    ) -> Result<Option<MySqlRow>, sqlx::Error> {
        let rows = Self::rows(connection, statement).await?;
        Ok(rows.into_iter().next())
    }

    async fn rows(
        connection: &mut MySqlConnection,
        statement: Statement<Self>,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        query.fetch_all(connection).await
    }

    async fn script(
        connection: &mut MySqlConnection,
        script: String,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.fetch_all(connection).await
    }

    async fn rollback(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let rollback = sqlx::raw_sql("ROLLBACK");
        rollback.execute(connection).await.map(drop)
    }

    async fn write(
        connection: &mut MySqlConnection,
        statement: Statement<Self>,
    ) -> Result<u64, sqlx::Error> {
        Ok(execute(connection, statement).await?.rows_affected())
    }

    /// The version is returned as the id that was inserted last.
    async fn commit(
        connection: &mut MySqlConnection,
        statement: Statement<Self>,
    ) -> Result<Option<i64>, sqlx::Error> {
        let done = execute(connection, statement).await?;
        let version = i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX);
        Ok((done.rows_affected() > 0).then_some(version))
    }
}

async fn execute(
    connection: &mut MySqlConnection,
    statement: Statement<MySql>,
) -> Result<MySqlQueryResult, sqlx::Error> {
    let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
    query.execute(connection).await
}

/// Whether the server reported that the statement changed nothing.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<MySqlDatabaseError>();
            error.is_some_and(|error| !UNKNOWN_OUTCOME.contains(&error.number()))
        }
        other => matches!(other, sqlx::Error::Encode(_)),
    }
}

/// Whether the server accepts no writes, or is shutting down.
pub(super) fn is_demoted(error: &sqlx::Error) -> bool {
    error_number(error).is_some_and(|number| DEMOTED.contains(&number))
}

/// Whether a text or the statement is too long (1153, 1406), or has characters that a column lacks (1366).
pub(super) fn is_unstorable(error: &sqlx::Error) -> bool {
    matches!(error_number(error), Some(1153 | 1366 | 1406))
}

/// Whether the server rolled the statement back in favor of another.
pub(super) fn is_rolled_back(error: &sqlx::Error) -> bool {
    matches!(error_number(error), Some(DEADLOCK | CHANGED_SINCE_READ))
}

/// Whether the key of an insertion is in use.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    error_number(error) == Some(DUPLICATE_KEY)
}

/// Whether the table does not exist.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    error_number(error) == Some(NO_SUCH_TABLE)
}

/// The error number of the server.
pub(super) fn error_number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}
