//! What the operations need to know of this database.

use std::borrow::Cow;

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row as _};

use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{Inspected, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::{Inner, PostgresBackend, send};
use crate::args::Args;
use crate::error::{StatementError, bad_column};
use crate::operations::{Dialect, Statements, Work, hex, numbered};
use crate::row::{self, Member, Stored};

impl Dialect for PostgresBackend {
    // `date_part` is a float, which is exact for milliseconds; `extract` is a slower decimal. `now()` would be
    // the start of the transaction, which can be long before it acquired a lock.
    const NOW: &str = "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint";
    const STARTED: &str = "floor(date_part('epoch', statement_timestamp()) * 1000)::bigint";
    const LEAST: &str = "LEAST";
    const GREATEST: &str = "GREATEST";
    const SAME: &str = "IS NOT DISTINCT FROM";
    const WRITTEN: &str = " RETURNING version";
    const COMMITTED: &str = " RETURNING version";
    const RAISED: &str = "version + ?";
    const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const ID: &str = "uuid_send(id)";
    const STORED_AS: &str = " AS stored";
    const STORED: &str = "stored.";
    const ON_DUPLICATE: &str = "ON CONFLICT (subject_key) DO UPDATE SET";
    const RETURNS_WRITTEN: bool = true;

    // Unlike a string literal, it means the same whatever `standard_conforming_strings` is.
    fn bytes_literal(bytes: &[u8]) -> String {
        format!("decode('{}', 'hex')", hex(bytes))
    }

    fn id_literal(id: &[u8; 16]) -> String {
        format!("'{}'::uuid", hex(id))
    }

    fn now_literal(_: &Inner) -> Cow<'static, str> {
        Self::NOW.into()
    }

    fn shared_statements(inner: &Inner) -> &Statements {
        &inner.statements.shared
    }

    fn read(row: &PgRow) -> Result<Stored, StoreError> {
        Stored::read(row)
    }

    fn read_member(row: &PgRow) -> Result<Member, StoreError> {
        Member::read(row)
    }

    fn read_inspected(row: &PgRow, id: SessionId) -> Result<Inspected, StoreError> {
        row::inspected(row, id)
    }

    fn read_pair(row: &PgRow) -> Result<(i64, Vec<u8>), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn read_number(row: &PgRow) -> Result<i64, StoreError> {
        row.try_get(0).map_err(bad_column)
    }

    fn with_placeholders(text: String) -> String {
        numbered(&text, 1)
    }

    fn first_args(_: &Inner) -> Args<Postgres> {
        Args::new()
    }

    async fn perform<W: Work<Postgres>>(
        inner: &Inner,
        work: impl Fn(bool) -> Result<W, StatementError> + Send + Sync,
    ) -> Result<W::Answer, StatementError> {
        inner.perform(work).await
    }

    fn is_duplicate(error: &sqlx::Error) -> bool {
        send::is_duplicate(error)
    }

    /// A full server is not told apart from one that refuses for another reason.
    fn is_full(_: &sqlx::Error) -> bool {
        false
    }

    fn is_unstorable(error: &sqlx::Error) -> bool {
        send::is_unstorable(error)
    }

    fn is_demoted(error: &sqlx::Error) -> bool {
        send::is_demoted(error)
    }

    fn refuses_writes(inner: &Inner) -> bool {
        inner.backend.0.refuses_writes()
    }

    fn note_refused_write(inner: &Inner) {
        inner.backend.0.note_refused_write();
    }

    fn max_session_size(inner: &Inner) -> Option<u64> {
        inner.backend.0.max_session_size()
    }

    fn now(inner: &Inner) -> Timestamp {
        inner.backend.0.clock.now()
    }

    fn observe(inner: &Inner, now: i64) {
        inner.backend.0.clock.observe(now);
    }

    fn backend_id(inner: &Inner) -> String {
        inner.backend_id()
    }
}
