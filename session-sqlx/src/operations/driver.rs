//! What a driver does with a statement.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use sqlx::{Database, Encode, Type};

/// A statement to run.
pub(crate) struct Statement<DB: Database> {
    pub(crate) text: Arc<str>,
    pub(crate) arguments: DB::Arguments,
    /// Whether a connection pooler may send the parts of the protocol to different servers, except within
    /// a transaction.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "only PostgreSQL has such poolers")
    )]
    pub(crate) has_pooler: bool,
    /// Whether it runs within a transaction that has begun.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "only PostgreSQL has such poolers")
    )]
    pub(crate) is_in_transaction: bool,
}

/// The driver of a database.
pub(crate) trait Driver: Database {
    /// An id of 16 bytes, in the form in which the database stores and compares it best.
    type Id: for<'q> Encode<'q, Self> + Type<Self>;

    fn id(bytes: [u8; 16]) -> Self::Id;

    /// Returns the row of a statement that returns at most one.
    fn row(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<Option<Self::Row>, sqlx::Error>> + Send;

    fn rows(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Runs statements without arguments, in one round trip, and returns the rows of all of them.
    fn script(
        connection: &mut Self::Connection,
        script: String,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Rolls the transaction back after a statement in it failed.
    fn rollback(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Returns the number of rows that were written.
    fn write(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Returns the version of the row that was written, if one was.
    fn commit(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<Option<i64>, sqlx::Error>> + Send;
}

/// What a store does on one connection.
pub(crate) trait Work<DB: Driver>: Send + 'static {
    type Answer: Send + 'static;

    /// Whether it may be done again if its connection is lost.
    const IS_READ: bool;

    /// Whether it may be done on the server that took over from one that was demoted.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        allow(dead_code, reason = "a file is not demoted")
    )]
    const MAY_CHANGE_SERVER: bool;

    fn run(
        self,
        connection: &mut DB::Connection,
    ) -> impl Future<Output = Result<Self::Answer, sqlx::Error>> + Send;
}

/// One statement, which is a transaction of its own.
pub(crate) struct Single<DB: Database, T> {
    statement: Statement<DB>,
    answer: PhantomData<fn() -> T>,
}

impl<DB: Database, T> Single<DB, T> {
    pub(crate) fn new(text: Arc<str>, arguments: DB::Arguments, has_pooler: bool) -> Self {
        Self {
            statement: Statement {
                text,
                arguments,
                has_pooler,
                is_in_transaction: false,
            },
            answer: PhantomData,
        }
    }
}

impl<DB: Driver, T: Answer<DB>> Work<DB> for Single<DB, T> {
    type Answer = T;
    const IS_READ: bool = T::IS_READ;
    const MAY_CHANGE_SERVER: bool = T::MAY_CHANGE_SERVER;

    fn run(
        self,
        connection: &mut DB::Connection,
    ) -> impl Future<Output = Result<T, sqlx::Error>> + Send {
        T::fetch(connection, self.statement)
    }
}

/// What an answer is read into.
pub(crate) trait Answer<DB: Driver>: Sized + Send + 'static {
    /// Whether the statement may be sent again if its connection is lost.
    const IS_READ: bool;

    /// Whether the statement may be sent to the server that took over from one that was demoted.
    const MAY_CHANGE_SERVER: bool;

    fn fetch(
        connection: &mut DB::Connection,
        statement: Statement<DB>,
    ) -> impl Future<Output = Result<Self, sqlx::Error>> + Send;
}

/// Reads an answer with a method of the driver.
macro_rules! answer {
    ($answer:ty: $read:ident, IS_READ: $is_read:literal, MAY_CHANGE_SERVER: $may_change:literal) => {
        impl<DB: Driver> Answer<DB> for $answer {
            const IS_READ: bool = $is_read;
            const MAY_CHANGE_SERVER: bool = $may_change;

            async fn fetch(
                connection: &mut DB::Connection,
                statement: Statement<DB>,
            ) -> Result<Self, sqlx::Error> {
                DB::$read(connection, statement).await.map(Self)
            }
        }
    };
}

/// The row of an answer that has at most one.
pub(crate) struct OneRow<DB: Database>(pub(crate) Option<DB::Row>);

answer!(OneRow<DB>: row, IS_READ: true, MAY_CHANGE_SERVER: true);

/// The rows of an answer.
pub(crate) struct Rows<DB: Database>(pub(crate) Vec<DB::Row>);

answer!(Rows<DB>: rows, IS_READ: true, MAY_CHANGE_SERVER: true);

/// The number of rows that a statement wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written(pub(crate) u64);

answer!(Written: write, IS_READ: false, MAY_CHANGE_SERVER: true);

/// The number of rows that a statement wrote, which follows a read from the same server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenAfterRead(pub(crate) u64);

answer!(WrittenAfterRead: write, IS_READ: false, MAY_CHANGE_SERVER: false);

/// The row of a statement that writes and returns one row.
#[cfg(feature = "postgres")]
pub(crate) struct WrittenRow<DB: Database>(pub(crate) Option<DB::Row>);

#[cfg(feature = "postgres")]
answer!(WrittenRow<DB>: row, IS_READ: false, MAY_CHANGE_SERVER: true);

/// The version of the row that a commit wrote; `None` if it wrote none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committed(pub(crate) Option<i64>);

answer!(Committed: commit, IS_READ: false, MAY_CHANGE_SERVER: true);
