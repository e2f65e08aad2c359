//! Reads answers, and classifies the errors of the server.

use std::sync::Arc;

use sqlx::mysql::{
    MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlQueryResult, MySqlRow,
};
use sqlx::{AssertSqlSafe, MySql};

use connect_session_runtime::record::Key;

use crate::args::Args;
use crate::server::Answer;

/// `ER_DUP_ENTRY`: the key exists.
pub(super) const DUPLICATE_KEY: u16 = 1062;
/// `ER_NO_SUCH_TABLE`.
pub(super) const NO_SUCH_TABLE: u16 = 1146;
/// `ER_LOCK_DEADLOCK`.
const DEADLOCK: u16 = 1213;

/// The errors after which a statement may have been executed: the server is shutting down (1053), the
/// commit failed (1180), or the server closed the connection (1927, 4031).
const UNKNOWN_OUTCOME: [u16; 4] = [1053, 1180, 1927, 4031];

/// Binds the key of a record. In most statements it comes after other arguments.
pub(super) fn bind_key(args: Args<MySql>, key: Key) -> Args<MySql> {
    args.bind(key.namespace.as_bytes().to_vec())
        .bind(key.id.as_bytes().to_vec())
}

/// All rows of an answer.
impl Answer<MySql> for Vec<MySqlRow> {
    async fn fetch(
        connection: &mut MySqlConnection,
        statement: Arc<str>,
        arguments: MySqlArguments,
    ) -> Result<Self, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement), arguments);
        query.fetch_all(connection).await
    }
}

/// The number of rows that a statement changed, and the id that it inserted last.
impl Answer<MySql> for MySqlQueryResult {
    async fn fetch(
        connection: &mut MySqlConnection,
        statement: Arc<str>,
        arguments: MySqlArguments,
    ) -> Result<Self, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement), arguments);
        query.execute(connection).await
    }
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

/// Whether the server rolled the statement back in favor of another.
pub(super) fn is_rolled_back(error: &sqlx::Error) -> bool {
    error_number(error) == Some(DEADLOCK)
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
