//! Reads answers, and classifies the errors of the server.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Postgres};

use connect_session_runtime::record::Key;

use crate::args::Args;
use crate::server::Answer;

/// The arguments of a statement about a record begin with its key.
pub(super) fn key_args(key: Key) -> Args<Postgres> {
    Args::new().bind(key.namespace).bind(key.id.to_string())
}

/// The only row of an answer, or none.
impl Answer<Postgres> for Option<PgRow> {
    async fn fetch(
        connection: &mut PgConnection,
        statement: Arc<str>,
        arguments: PgArguments,
    ) -> Result<Self, sqlx::Error> {
        let query = sqlx::query_with(AssertSqlSafe(statement), arguments);
        query.fetch_optional(connection).await
    }
}

/// Whether the server reported that the statement changed nothing. If the connection failed or the
/// server is shutting down, the statement may have been executed (class 08, 57P01 to 57P03 and 40003
/// in appendix A of the manual).
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return matches!(error, sqlx::Error::Encode(_));
    };
    let code = error.code().unwrap_or_default();
    !code.starts_with("08") && !code.starts_with("57P") && code != "40003"
}

/// Whether the server rolled the statement back in favor of another: a deadlock, or a serialization
/// failure on a pool with a stricter isolation level.
pub(super) fn is_rolled_back(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01"))
}

/// Whether the table, or its schema, does not exist.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("42P01" | "3F000"))
}

/// The error code of the server.
pub(super) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}
