//! What the stores on a server have in common: connecting, sending statements, the operations, and
//! creating the table.

mod change;
mod circuit;
mod clock;
mod connections;
mod driver;
mod facts;
mod lease;
mod millis;
mod ops;
mod outage;
mod refused_writes;
mod send;
mod setup;
mod state;
mod statements;
mod store;
mod values;

use std::future::Future;

use sqlx::{Connection, Database};

use connect_session_runtime::store::StoreError;

use crate::backend::{Backend, Inner};
use crate::error::{ContextError, StatementError};
use crate::row::Stored;

pub(crate) use self::driver::{Driver, Rows, Statement, Written};
pub(crate) use self::facts::Facts;
pub(crate) use self::millis::to_millis;
pub(crate) use self::setup::{check_url, connect, migrate};
pub(crate) use self::state::ServerState;
pub(crate) use self::statements::Statements;
pub(crate) use self::store::server_store;
pub(crate) use self::values::Values;

/// The connection options of a database.
pub(crate) type OptionsOf<DB> = <<DB as Database>::Connection as Connection>::Options;

/// A kind of database server.
pub(crate) trait Server: Backend<Db: Values> {
    /// The current time of the server, which can be long after the statement began if it waited for
    /// a lock.
    const NOW: &str;
    /// The time of the server when the statement began.
    const STARTED: &str;
    /// The comparison for which NULL equals NULL.
    const SAME: &str;
    /// What follows a statement that writes one record, so that [`Written`] has its version.
    const WRITTEN: &str;
    /// The version raised by an argument, so that [`Written`] has it.
    const RAISED: &str;

    fn new_backend(state: ServerState<Self::Db>) -> Self;

    fn state(inner: &Inner<Self>) -> &ServerState<Self::Db>;

    fn shared_statements(inner: &Inner<Self>) -> &Statements;

    /// The text of a statement, with the placeholders of this server in place of each `?`.
    fn with_placeholders(text: String) -> String;

    /// Reads the columns that the statements select.
    fn read(row: &<Self::Db as Database>::Row) -> Result<Stored, StoreError>;

    /// Reads the only column of a row.
    fn read_number(row: &<Self::Db as Database>::Row) -> Result<i64, StoreError>;

    fn parse_url(url: &str) -> Result<OptionsOf<Self::Db>, ContextError>;

    /// Connects, and finds out what the store has to know about the server.
    fn examine(
        options: &OptionsOf<Self::Db>,
    ) -> impl Future<Output = Result<Facts, sqlx::Error>> + Send;

    /// The error of a connection that could not be opened.
    fn connection_error(options: &OptionsOf<Self::Db>, error: sqlx::Error) -> ContextError;

    /// Whether the server reported that the statement changed nothing.
    fn is_refusal(error: &sqlx::Error) -> bool;

    /// Whether the server refuses to change anything, as a replica does, so that a new connection may lead to
    /// another one.
    fn is_demoted(error: &sqlx::Error) -> bool;

    /// Whether the server can never keep what the statement would write.
    fn is_unstorable(error: &sqlx::Error) -> bool;

    /// Whether the server rolled the statement back in favor of another, as in a deadlock, so that
    /// it can be sent again.
    fn is_rolled_back(error: &sqlx::Error) -> bool;

    /// Whether the key of an insertion is in use.
    fn is_duplicate(error: &sqlx::Error) -> bool;

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
