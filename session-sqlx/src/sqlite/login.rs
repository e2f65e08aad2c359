//! The login that depends on the other sessions of its subject.

use sqlx::Sqlite;

use super::{Inner, SqliteBackend};
use crate::args::Args;
use crate::error::StatementError;
use crate::operations::{Answer, LogIn, LoggedIn, LoginStatement, Terms, Wrote};

impl LogIn for SqliteBackend {
    async fn log_in<T: Answer<Sqlite> + Wrote>(
        inner: &Inner,
        terms: &Terms,
        statement: &LoginStatement,
        args: impl Fn(Args<Sqlite>) -> Args<Sqlite> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        (inner.log_in_by_transaction(terms, &statement.always, args)).await
    }
}
