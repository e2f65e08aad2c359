//! What the operations need to know of this database.

use std::borrow::Cow;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{Inspected, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::{Inner, SqliteBackend, send};
use crate::args::Args;
use crate::convert::to_i64;
use crate::error::{StatementError, bad_column};
use crate::operations::{Dialect, Statements, Work, numbered};
use crate::row::{self, Member, Stored};

impl Dialect for SqliteBackend {
    /// The first argument, because the clock is that of the store.
    const NOW: &str = "$1";
    const STARTED: &str = "$1";
    const LEAST: &str = "min";
    const GREATEST: &str = "max";
    const SAME: &str = "IS";
    const WRITTEN: &str = "";
    const COMMITTED: &str = " RETURNING version";
    const RAISED: &str = "version + ?";
    const BEGIN: &str = "BEGIN IMMEDIATE";
    const ID: &str = "id";
    const STORED_AS: &str = " AS stored";
    const STORED: &str = "stored.";
    const ON_DUPLICATE: &str = "ON CONFLICT (subject_key) DO UPDATE SET";
    const RETURNS_WRITTEN: bool = true;

    fn now_literal(inner: &Inner) -> Cow<'static, str> {
        Self::now(inner).as_millis().to_string().into()
    }

    fn shared_statements(inner: &Inner) -> &Statements {
        &inner.statements.shared
    }

    fn with_placeholders(text: String) -> String {
        numbered(&text, 2)
    }

    fn first_args(inner: &Inner) -> Args<Sqlite> {
        Args::new().bind(to_i64(Self::now(inner).as_millis()))
    }

    async fn perform<W: Work<Sqlite>>(
        inner: &Inner,
        work: impl Fn(bool) -> Result<W, StatementError> + Send + Sync,
    ) -> Result<W::Answer, StatementError> {
        inner.perform(work).await
    }

    fn read(row: &SqliteRow) -> Result<Stored, StoreError> {
        Stored::read(row)
    }

    fn read_member(row: &SqliteRow) -> Result<Member, StoreError> {
        Member::read(row)
    }

    fn read_inspected(row: &SqliteRow, id: SessionId) -> Result<Inspected, StoreError> {
        row::inspected(row, id)
    }

    fn read_pair(row: &SqliteRow) -> Result<(i64, Vec<u8>), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn read_number(row: &SqliteRow) -> Result<i64, StoreError> {
        row.try_get(0).map_err(bad_column)
    }

    fn is_duplicate(error: &sqlx::Error) -> bool {
        send::is_duplicate(error)
    }

    fn is_full(error: &sqlx::Error) -> bool {
        send::is_full(error)
    }

    fn is_unstorable(error: &sqlx::Error) -> bool {
        send::is_too_big(error)
    }

    /// A file has no replica.
    fn is_demoted(_: &sqlx::Error) -> bool {
        false
    }

    fn refuses_writes(_: &Inner) -> bool {
        false
    }

    fn note_refused_write(_: &Inner) {}

    fn max_session_size(_: &Inner) -> Option<u64> {
        None
    }

    fn now(inner: &Inner) -> Timestamp {
        inner.backend.clock.now()
    }

    /// The time in an answer is that of the same clock.
    fn observe(_: &Inner, _: i64) {}

    fn backend_id(inner: &Inner) -> String {
        inner.backend_id()
    }
}
