//! Sending a statement, and what a failure means.

use std::sync::Arc;

use sqlx::mysql::{
    MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlQueryResult, MySqlRow,
};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql};

use super::Inner;
use crate::args::Args;
use crate::error::StatementError;
use crate::server::answer;
use crate::timeout::run_detached;
use connect_session_runtime::record::Key;
use connect_session_runtime::store::{BoxError, BoxFuture};

/// How often a statement that the server rolled back for the sake of another is sent again.
const TRIES: u32 = 4;

/// The errors after which a statement may have been done all the same: the server stops (1053),
/// failed while it committed (1180), or ended the connection (1927, 4031).
const UNKNOWN: [u16; 4] = [1053, 1180, 1927, 4031];

type Asking<'a, T> = BoxFuture<'a, Result<T, sqlx::Error>>;
type Question = Query<'static, MySql, MySqlArguments>;

fn fetch(connection: &mut MySqlConnection, question: Question) -> Asking<'_, Vec<MySqlRow>> {
    Box::pin(question.fetch_all(connection))
}

fn execute(connection: &mut MySqlConnection, question: Question) -> Asking<'_, MySqlQueryResult> {
    Box::pin(question.execute(connection))
}

/// The arguments of a statement about a record, which may be at their end.
pub(super) fn with_key(args: Args<MySql>, key: Key) -> Args<MySql> {
    args.bind(key.namespace.as_bytes().to_vec())
        .bind(key.id.as_bytes().to_vec())
}

impl Inner {
    pub(super) async fn rows(
        &self,
        statement: &Arc<str>,
        args: Args<MySql>,
    ) -> Result<Vec<MySqlRow>, StatementError> {
        self.ask(statement, args, fetch).await
    }

    pub(super) async fn run(
        &self,
        statement: &Arc<str>,
        args: Args<MySql>,
    ) -> Result<MySqlQueryResult, StatementError> {
        self.ask(statement, args, execute).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        statement: &Arc<str>,
        args: Args<MySql>,
        how: fn(&mut MySqlConnection, Question) -> Asking<'_, T>,
    ) -> Result<T, StatementError> {
        let arguments = args.finish()?;
        let (pool, timeout, statement) = (self.pool.clone(), self.timeout, statement.clone());
        run_detached(async move {
            let mut tries = 1;
            loop {
                let connection = pool.acquire().await;
                let connection =
                    connection.map_err(|error| StatementError::NotApplied(error.into()))?;
                let question =
                    sqlx::query_with(AssertSqlSafe(statement.clone()), arguments.clone());
                let ask = async |connection: &mut MySqlConnection| how(connection, question).await;
                match answer(connection, timeout, ask, is_refusal).await {
                    Err(StatementError::NotApplied(error))
                        if tries < TRIES && boxed_error_number(&error) == Some(1213) =>
                    {
                        tries += 1;
                    }
                    answer => return answer,
                }
            }
        })
        .await
    }
}

/// Whether the server said that the statement did nothing.
fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<MySqlDatabaseError>();
            error.is_some_and(|error| !UNKNOWN.contains(&error.number()))
        }
        other => matches!(other, sqlx::Error::Encode(_)),
    }
}

/// What the server calls the error; 1213 is a deadlock, 1062 a key that is there, 1146 a table that
/// is not.
pub(super) fn boxed_error_number(error: &BoxError) -> Option<u16> {
    error_number(error.downcast_ref::<sqlx::Error>()?)
}

pub(super) fn error_number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}
