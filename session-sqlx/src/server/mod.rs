//! What the stores on a server have in common: connecting, sending statements, and creating the table.

mod circuit;
mod clock;
mod connections;
mod facts;
mod lease;
mod outage;
mod recent;
mod send;
mod setup;
mod state;
mod url;

use std::future::Future;

use sqlx::{Connection, Database};

use crate::backend::Inner;
use crate::error::{ContextError, StatementError};
use crate::operations::Dialect;

pub(crate) use self::facts::Facts;
pub(crate) use self::setup::{connect, migrate};
pub(crate) use self::state::ServerState;
pub(crate) use self::url::{check_url, unreadable, without_unknown_parameters};

/// The connection options of a database.
pub(crate) type OptionsOf<DB> = <<DB as Database>::Connection as Connection>::Options;

/// A kind of database server.
pub(crate) trait Server: Dialect {
    fn new_backend(state: ServerState<Self::Db>) -> Self;

    fn state(inner: &Inner<Self>) -> &ServerState<Self::Db>;

    fn parse_url(url: &str) -> Result<OptionsOf<Self::Db>, ContextError>;

    /// Connects, and finds out what the store has to know about the server.
    fn examine(
        options: &OptionsOf<Self::Db>,
    ) -> impl Future<Output = Result<Facts, sqlx::Error>> + Send;

    /// The error of a connection that could not be opened.
    fn connection_error(options: &OptionsOf<Self::Db>, error: sqlx::Error) -> ContextError;

    /// Whether the server reported that the statement changed nothing.
    fn is_refusal(error: &sqlx::Error) -> bool;

    /// Whether the server rolled the statement back in favor of another.
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
