//! Reads answers, and classifies the errors of the server.

use std::borrow::Cow;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgConnection, PgRow, PgTypeInfo};
use sqlx::{AssertSqlSafe, Encode, Postgres, Row as _, Type};

use crate::operations::{Driver, Statement};

/// The type `uuid` in PostgreSQL's catalog.
const UUID: Oid = Oid(2950);

/// An id as a `uuid`.
pub(crate) struct Uuid([u8; 16]);

impl Type<Postgres> for Uuid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UUID)
    }
}

impl Encode<'_, Postgres> for Uuid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

impl Driver for Postgres {
    type Id = Uuid;

    fn id(bytes: [u8; 16]) -> Uuid {
        Uuid(bytes)
    }

    async fn row(
        connection: &mut PgConnection,
        statement: Statement<Self>,
    ) -> Result<Option<PgRow>, sqlx::Error> {
        fetch(connection, statement).await
    }

    async fn rows(
        connection: &mut PgConnection,
        statement: Statement<Self>,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        if statement.has_pooler {
            return through_pooler(connection, statement).await;
        }
        let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
        query.fetch_all(connection).await
    }

    /// The simple query protocol, in which each statement has a snapshot of its own.
    async fn script(
        connection: &mut PgConnection,
        script: String,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.fetch_all(connection).await
    }

    async fn rollback(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rollback = sqlx::raw_sql("ROLLBACK");
        rollback.execute(connection).await.map(drop)
    }

    async fn write(
        connection: &mut PgConnection,
        statement: Statement<Self>,
    ) -> Result<u64, sqlx::Error> {
        let row = fetch(connection, statement).await?;
        Ok(row.is_some().into())
    }

    async fn commit(
        connection: &mut PgConnection,
        statement: Statement<Self>,
    ) -> Result<Option<i64>, sqlx::Error> {
        let row = fetch(connection, statement).await?;
        row.map(|row| row.try_get(0)).transpose()
    }
}

/// The row of a statement that returns at most one.
async fn fetch(
    connection: &mut PgConnection,
    statement: Statement<Postgres>,
) -> Result<Option<PgRow>, sqlx::Error> {
    if statement.has_pooler && !statement.is_in_transaction {
        let rows = through_pooler(connection, statement).await?;
        return Ok(rows.into_iter().next());
    }
    let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
    let query = query.persistent(!statement.has_pooler);
    query.fetch_optional(connection).await
}

/// The driver prepares, and then executes. Another client may have used the same name on the server of the
/// moment, and without a name its statement may be executed instead. A transaction stays on its server.
async fn through_pooler(
    connection: &mut PgConnection,
    statement: Statement<Postgres>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let query = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments);
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    match query.persistent(false).fetch_all(&mut *connection).await {
        Ok(rows) => {
            sqlx::raw_sql("COMMIT").execute(connection).await?;
            Ok(rows)
        }
        Err(error) => {
            // If this fails, the connection is closed.
            Postgres::rollback(connection).await?;
            Err(error)
        }
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

/// Whether the server is read-only, as one that was demoted, or is shutting down.
pub(super) fn is_demoted(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "25006" || code.starts_with("57P"))
}

/// Whether the encoding of the database lacks a character of a text.
pub(super) fn is_unstorable(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("22P05")
}

/// Whether the server rolled the statement back in favor of another: a deadlock, a serialization
/// failure on a pool with a stricter isolation level, or the division by zero of a login that took too long.
pub(super) fn is_rolled_back(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01" | "22012"))
}

/// Whether the key of an insertion is in use.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("23505")
}

/// Whether the table, or its schema, does not exist.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("42P01" | "3F000"))
}

/// The error code of the server.
pub(super) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}
