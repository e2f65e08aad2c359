//! What a driver does with a statement.

use std::future::Future;
use std::sync::Arc;

use sqlx::{Database, Encode, Type};

/// A statement to send.
pub(crate) struct Statement<DB: Database> {
    pub(crate) text: Arc<str>,
    pub(crate) arguments: DB::Arguments,
    /// Whether a connection pooler may send the parts of the protocol to different servers, except within
    /// a transaction.
    pub(crate) has_pooler: bool,
}

/// The driver of a server.
pub(crate) trait Driver: Database {
    /// An id of 16 bytes, in the form in which the server stores and compares it best.
    type Id: for<'q> Encode<'q, Self> + Type<Self>;

    fn id(bytes: [u8; 16]) -> Self::Id;

    fn rows(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    fn write(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> impl Future<Output = Result<Written, sqlx::Error>> + Send;
}

/// What an answer is read into.
pub(crate) trait Answer<DB: Driver>: Sized + Send + 'static {
    /// Whether the statement may be sent again if its connection is lost.
    const IS_READ: bool;

    /// Whether the statement may be sent to the server that took over from one that was demoted.
    const MAY_MOVE: bool;

    fn fetch(
        connection: &mut DB::Connection,
        statement: Statement<DB>,
    ) -> impl Future<Output = Result<Self, sqlx::Error>> + Send;
}

/// The rows of an answer.
pub(crate) struct Rows<DB: Database>(pub(crate) Vec<DB::Row>);

impl<DB: Driver> Answer<DB> for Rows<DB> {
    const IS_READ: bool = true;
    const MAY_MOVE: bool = true;

    async fn fetch(
        connection: &mut DB::Connection,
        statement: Statement<DB>,
    ) -> Result<Self, sqlx::Error> {
        DB::rows(connection, statement).await.map(Self)
    }
}

/// The effect of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    /// The version of the row after a commit.
    pub(crate) version: i64,
}

impl<DB: Driver> Answer<DB> for Written {
    const IS_READ: bool = false;
    const MAY_MOVE: bool = true;

    fn fetch(
        connection: &mut DB::Connection,
        statement: Statement<DB>,
    ) -> impl Future<Output = Result<Self, sqlx::Error>> + Send {
        DB::write(connection, statement)
    }
}

/// The effect of a write that follows a read from the same server.
pub(super) struct WrittenAfterRead(pub(super) Written);

impl<DB: Driver> Answer<DB> for WrittenAfterRead {
    const IS_READ: bool = false;
    const MAY_MOVE: bool = false;

    async fn fetch(
        connection: &mut DB::Connection,
        statement: Statement<DB>,
    ) -> Result<Self, sqlx::Error> {
        DB::write(connection, statement).await.map(Self)
    }
}
