//! Sending a statement, and what a failure means.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Postgres};

use super::Inner;
use crate::args::Args;
use crate::error::StatementError;
use crate::server::answer;
use crate::timeout::run_detached;
use connect_session_runtime::record::Key;
use connect_session_runtime::store::BoxError;

/// How often a statement that the server rolled back for the sake of another is sent again.
const TRIES: u32 = 4;

/// The arguments of a statement about a record.
pub(super) fn about(key: Key) -> Args<Postgres> {
    Args::new().bind(key.namespace).bind(key.id.to_string())
}

impl Inner {
    /// The one row of an answer, or none.
    pub(super) async fn ask(
        &self,
        statement: &Arc<str>,
        args: Args<Postgres>,
    ) -> Result<Option<PgRow>, StatementError> {
        let arguments = args.finish()?;
        let (pool, timeout, statement) = (self.pool.clone(), self.timeout, statement.clone());
        run_detached(async move {
            let mut tries = 1;
            loop {
                let connection = pool.acquire().await;
                let connection =
                    connection.map_err(|error| StatementError::NotApplied(error.into()))?;
                let query = sqlx::query_with(AssertSqlSafe(statement.clone()), arguments.clone());
                let ask =
                    async |connection: &mut PgConnection| query.fetch_optional(connection).await;
                match answer(connection, timeout, ask, is_refusal).await {
                    Err(StatementError::NotApplied(error)) if tries < TRIES && gave_way(&error) => {
                        tries += 1
                    }
                    answer => return answer,
                }
            }
        })
        .await
    }
}

/// Whether the server said that the statement did nothing. When it was told to stop, or the
/// connection failed, it may have done it all the same (class 08, 57P01 to 57P03, and 40003, of
/// appendix A of the manual).
fn is_refusal(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return matches!(error, sqlx::Error::Encode(_));
    };
    let code = error.code().unwrap_or_default();
    !code.starts_with("08") && !code.starts_with("57P") && code != "40003"
}

/// Whether the server rolled the statement back for the sake of another: a deadlock, or an order
/// that could not be kept, on a pool that asks for one.
fn gave_way(error: &BoxError) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01"))
}

/// What the server called the error.
pub(super) fn code(error: &BoxError) -> Option<Cow<'_, str>> {
    let error = error.downcast_ref::<sqlx::Error>();
    error?.as_database_error()?.code()
}
