//! Reads rows: the columns of `RECORD`, followed by the fields.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::convert::{lifetime, to_u64};
use crate::error::bad_column;
use crate::escape::unescape;
use crate::fields_json::Fields;
use crate::server::timestamp;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{CommitId, Deadlines, Record, Snapshot};
use connect_session_runtime::store::StoreError;

/// The record of a row.
pub(super) fn record<D: SessionData>(row: &PgRow, renewed: bool) -> Result<Record<D>, StoreError> {
    let number = |at| row.try_get::<i64, _>(at).map_err(bad_column);
    let count = |at| number(at).map(to_u64);
    let commit_id: Vec<u8> = row.try_get(3).map_err(bad_column)?;
    let subject: Option<&str> = row.try_get(9).map_err(bad_column)?;
    Ok(Record {
        snapshot: snapshot(row, count(0)?)?,
        epoch: count(1)?,
        generation: count(2)?,
        commit_id: CommitId::from_bytes(commit_id.try_into().unwrap_or_default()),
        deadlines: Deadlines {
            created_at: timestamp(number(4)?),
            idle_until: timestamp(number(5)?),
            absolute_until: timestamp(number(6)?),
        },
        lifetime: lifetime(number(7)?, number(8)?),
        subject: subject.map(|subject| unescape(subject).into()),
        renewed,
    })
}

/// The data of a row.
pub(super) fn snapshot<D: SessionData>(
    row: &PgRow,
    version: u64,
) -> Result<Snapshot<D>, StoreError> {
    let fields: &str = row.try_get(10).map_err(bad_column)?;
    Fields::parse(fields)?.into_stored()?.snapshot(version)
}
