//! What the operations need to know of this database.

use std::borrow::Cow;

use sqlx::mysql::MySqlRow;
use sqlx::{MySql, Row as _};

use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{Inspected, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::{Inner, MySqlBackend, send};
use crate::args::Args;
use crate::error::{StatementError, bad_column};
use crate::operations::{Dialect, Statements, Work};
use crate::row::{self, Member, Stored};

impl Dialect for MySqlBackend {
    // `SYSDATE` alone would be in the time zone of the connection and ambiguous when daylight saving time
    // ends.
    const NOW: &str = "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) \
                       + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) DIV 1000)";
    const STARTED: &str =
        "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)";
    const LEAST: &str = "LEAST";
    const GREATEST: &str = "GREATEST";
    const SAME: &str = "<=>";
    const WRITTEN: &str = "";
    const COMMITTED: &str = "";
    const RAISED: &str = "LAST_INSERT_ID(version + ?)";
    const BEGIN: &str = "START TRANSACTION";
    const ID: &str = "id";
    const STORED_AS: &str = "";
    const STORED: &str = "";
    const ON_DUPLICATE: &str = "ON DUPLICATE KEY UPDATE";
    const RETURNS_WRITTEN: bool = false;
    const FROM_NOTHING: &str = " FROM DUAL";

    fn now_literal(_: &Inner) -> Cow<'static, str> {
        Self::NOW.into()
    }

    fn shared_statements(inner: &Inner) -> &Statements {
        &inner.statements.shared
    }

    fn read(row: &MySqlRow) -> Result<Stored, StoreError> {
        Stored::read(row)
    }

    fn read_member(row: &MySqlRow) -> Result<Member, StoreError> {
        Member::read(row)
    }

    fn read_inspected(row: &MySqlRow, id: SessionId) -> Result<Inspected, StoreError> {
        row::inspected(row, id)
    }

    fn read_pair(row: &MySqlRow) -> Result<(i64, Vec<u8>), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn read_number(row: &MySqlRow) -> Result<i64, StoreError> {
        row.try_get(0).map_err(bad_column)
    }

    fn with_placeholders(text: String) -> String {
        text
    }

    fn first_args(_: &Inner) -> Args<MySql> {
        Args::new()
    }

    async fn perform<W: Work<MySql>>(
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
