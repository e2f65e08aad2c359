//! The operations on a record, and their statements, which all three databases share. A [`Dialect`] is
//! what differs between them.

mod change;
mod driver;
mod inspect;
mod login;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod login_transaction;
mod members;
mod millis;
mod record;
mod statements;
mod store;
mod subject_index;
mod terms;
mod values;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;

use sqlx::Database;

use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{Inspected, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use crate::args::Args;
use crate::backend::{Backend, Inner};
use crate::error::StatementError;
use crate::row::{Member, Stored};

#[cfg(feature = "postgres")]
pub(crate) use self::driver::WrittenRow;
pub(crate) use self::driver::{
    Answer, Committed, Driver, OneRow, Rows, Single, Statement, Work, Written,
};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use self::login::NoLogin;
#[cfg(feature = "mysql")]
pub(crate) use self::login::living;
pub(crate) use self::login::{LogIn, LoggedIn, Wrote};
#[cfg(feature = "mysql")]
pub(crate) use self::members::Members;
#[cfg(feature = "postgres")]
pub(crate) use self::members::{LOCK_KEPT_MILLIS, tombstone};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) use self::millis::to_millis;
#[cfg(feature = "postgres")]
pub(crate) use self::statements::is_alive;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use self::statements::numbered;
pub(crate) use self::statements::{LoginStatement, Statements};
pub(crate) use self::store::implement_store;
pub(crate) use self::terms::Terms;
pub(crate) use self::values::Values;

/// What the operations need to know of a database.
pub(crate) trait Dialect: Backend<Db: Values> + LogIn {
    /// The current time, which can be long after the statement began if it waited for a lock.
    const NOW: &str;
    /// The time when the statement began.
    const STARTED: &str;
    /// The function that returns the lowest of its arguments.
    const LEAST: &str;
    /// The function that returns the greatest of its arguments.
    const GREATEST: &str;
    /// The comparison for which NULL equals NULL.
    const SAME: &str;
    /// What follows a statement that writes one record, so that [`Written`] counts it.
    const WRITTEN: &str;
    /// What follows a commit, so that [`Committed`] has the version.
    const COMMITTED: &str;
    /// The version raised by an argument, so that [`Committed`] has it.
    const RAISED: &str;
    /// The statement that begins a transaction that writes.
    const BEGIN: &str;
    /// The column `id` as bytes.
    const ID: &str;
    /// The name of the stored row in an upsert, after the name of the table.
    const STORED_AS: &str;
    /// What comes before a column of the stored row in an upsert.
    const STORED: &str;
    /// What comes before the assignments of an upsert to the table of subjects.
    const ON_DUPLICATE: &str;
    /// Whether a statement can return the rows that it changes or deletes.
    const RETURNS_WRITTEN: bool;
    /// What comes before the condition of a `SELECT` that reads no table.
    const FROM_NOTHING: &str = "";

    /// Bytes within the text of a statement.
    fn bytes_literal(bytes: &[u8]) -> String {
        format!("x'{}'", hex(bytes))
    }

    /// An id within the text of a statement.
    fn id_literal(id: &[u8; 16]) -> String {
        Self::bytes_literal(id)
    }

    /// The current time within the text of a statement without arguments.
    fn now_literal(inner: &Inner<Self>) -> Cow<'static, str>;

    fn shared_statements(inner: &Inner<Self>) -> &Statements;

    /// The text of a statement, with the placeholders of this database in place of each `?`.
    fn with_placeholders(text: String) -> String;

    /// The arguments that every statement begins with.
    fn first_args(inner: &Inner<Self>) -> Args<Self::Db>;

    /// Runs a statement. `args` is called each time that it is about to run.
    fn run<T: Answer<Self::Db>>(
        inner: &Inner<Self>,
        statement: &Arc<str>,
        args: impl Fn() -> Args<Self::Db> + Send + Sync,
    ) -> impl Future<Output = Result<T, StatementError>> + Send {
        Self::perform(inner, move |has_pooler| {
            let arguments = args().finish()?;
            Ok(Single::new(statement.clone(), arguments, has_pooler))
        })
    }

    /// Runs what `work` returns on a connection. `work` is called once for each attempt; its argument says
    /// whether there is a connection pooler.
    fn perform<W: Work<Self::Db>>(
        inner: &Inner<Self>,
        work: impl Fn(bool) -> Result<W, StatementError> + Send + Sync,
    ) -> impl Future<Output = Result<W::Answer, StatementError>> + Send;

    /// Reads the columns that the statements select.
    fn read(row: &<Self::Db as Database>::Row) -> Result<Stored, StoreError>;

    /// Reads the columns of a list.
    fn read_member(row: &<Self::Db as Database>::Row) -> Result<Member, StoreError>;

    /// Reads the columns that an administrator sees.
    fn read_inspected(
        row: &<Self::Db as Database>::Row,
        id: SessionId,
    ) -> Result<Inspected, StoreError>;

    /// Reads a number and bytes.
    fn read_pair(row: &<Self::Db as Database>::Row) -> Result<(i64, Vec<u8>), sqlx::Error>;

    /// Reads the only column of a row.
    fn read_number(row: &<Self::Db as Database>::Row) -> Result<i64, StoreError>;

    /// Whether the key of an insertion is in use.
    fn is_duplicate(error: &sqlx::Error) -> bool;

    /// Whether the database has no room for another record.
    fn is_full(error: &sqlx::Error) -> bool;

    /// Whether the database can never keep what the statement would write.
    fn is_unstorable(error: &sqlx::Error) -> bool;

    /// Whether the database refuses to change anything, as a replica does, so that a new connection may
    /// lead to another one.
    fn is_demoted(error: &sqlx::Error) -> bool;

    /// Whether the database has just refused a write.
    fn refuses_writes(inner: &Inner<Self>) -> bool;

    /// Notes that the database has refused a write over a new connection.
    fn note_refused_write(inner: &Inner<Self>);

    /// The size in bytes of the largest session that the database accepts, if it is limited.
    fn max_session_size(inner: &Inner<Self>) -> Option<u64>;

    /// The time by the clock that deadlines are compared with.
    fn now(inner: &Inner<Self>) -> Timestamp;

    /// Records the time that an answer contained.
    fn observe(inner: &Inner<Self>, now: i64);

    /// Identifies the table.
    fn backend_id(inner: &Inner<Self>) -> String;
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
