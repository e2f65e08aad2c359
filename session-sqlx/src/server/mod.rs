//! What the stores on a server have in common: connecting, sending statements and creating the table.

mod change;
mod clock;
mod millis;
mod send;
mod setup;

use std::future::Future;
use std::sync::Arc;

use sqlx::{Connection, Database};

use crate::backend::{Backend, Inner};
use crate::error::{ContextError, StatementError};

pub(crate) use self::change::ChangeArgs;
pub(crate) use self::clock::ServerClock;
#[cfg(feature = "postgres")]
pub(crate) use self::millis::timestamp;
pub(crate) use self::millis::to_millis;
pub(crate) use self::setup::{check_url, connect, migrate};

/// The connection options of a database.
pub(crate) type OptionsOf<DB> = <<DB as Database>::Connection as Connection>::Options;

/// A kind of database server.
pub(crate) trait Server: Backend {
    fn new_backend(clock: ServerClock) -> Self;

    fn parse_url(url: &str) -> Result<OptionsOf<Self::Db>, ContextError>;

    /// The error of a connection that could not be opened.
    fn connection_error(options: &OptionsOf<Self::Db>, error: sqlx::Error) -> ContextError;

    /// Whether the server reported that the statement changed nothing.
    fn is_refusal(error: &sqlx::Error) -> bool;

    /// Whether the server rolled the statement back in favor of another, as in a deadlock, so that
    /// it can be sent again.
    fn is_rolled_back(error: &sqlx::Error) -> bool;

    /// Whether the table, or its schema, does not exist.
    fn is_missing_table(error: &sqlx::Error) -> bool;

    /// Runs a statement that fails unless the table exists and has every column.
    fn probe_table(inner: &Inner<Self>) -> impl Future<Output = Result<(), StatementError>> + Send;

    /// The error of a check or migration whose statement failed.
    fn setup_error(inner: &Inner<Self>, failure: StatementError) -> ContextError;

    /// Identifies the table, for error messages too.
    fn place(inner: &Inner<Self>) -> String;

    /// The statements that create the table, given those of the schema.
    fn migration_script(schema: String) -> String;

    fn run_script(
        connection: &mut <Self::Db as Database>::Connection,
        script: String,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// What an answer is read into.
pub(crate) trait Answer<DB: Database>: Sized + Send + 'static {
    fn fetch(
        connection: &mut DB::Connection,
        statement: Arc<str>,
        arguments: DB::Arguments,
    ) -> impl Future<Output = Result<Self, sqlx::Error>> + Send;
}
