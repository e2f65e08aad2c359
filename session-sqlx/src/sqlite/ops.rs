//! Transactions that load and change a record.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use connect_session_runtime::patch::Patch;
use connect_session_runtime::record::{Change, Key, LoadRequest};
use connect_session_runtime::store::StoreError;
use connect_session_runtime::store::state::{LoadEffects, RecordState, Verdict};

use super::SqliteBackend;
use super::write::{Finish, WriteTxn};
use crate::args::Args;
use crate::backend::Inner;
use crate::columns::COLUMNS;
use crate::convert::to_u64;
use crate::error::{StatementError, bad_column};
use crate::fields_json::Fields;
use crate::row::Row;

/// A record that a load found, with the effects of the load already applied to the row.
pub(super) struct Loaded {
    pub(super) row: Row,
    pub(super) fields: Fields,
    pub(super) effects: LoadEffects,
}

/// A record after a change was checked, and applied if the verdict is [`Verdict::Apply`].
pub(super) struct Checked {
    pub(super) state: RecordState,
    pub(super) fields: Fields,
    pub(super) verdict: Verdict,
}

/// The arguments of a statement about a record begin with its key.
pub(super) fn key_args(key: Key) -> Args<Sqlite> {
    Args::new()
        .bind(key.namespace)
        .bind(key.id.as_bytes().to_vec())
}

/// The data of a row, which come after the other columns.
fn fields(row: &SqliteRow) -> Result<Fields, StoreError> {
    let at = COLUMNS.len() + 1;
    Fields::parse(row.try_get(at).map_err(bad_column)?)
}

impl Inner<SqliteBackend> {
    /// The current time, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.backend.clock.now().as_millis()
    }

    /// Writes the whole row.
    async fn put(
        &self,
        txn: &mut WriteTxn,
        key: Key,
        row: &Row,
        fields: &Fields,
    ) -> Result<(), StatementError> {
        let args = row.bind(key_args(key)).bind(fields.to_json());
        txn.run(&self.statements.replace, args).await
    }

    /// Inserts a record. Returns `false` if the id is in use.
    pub(super) async fn insert(
        &self,
        key: Key,
        state: RecordState,
        fields: Fields,
    ) -> Result<bool, StatementError> {
        self.write(async |txn| {
            let now = self.now();
            let old = txn.one(&self.statements.select, key_args(key)).await?;
            let has_ended = |old: &SqliteRow| {
                // A row that cannot be read may be alive.
                Row::read(old).is_ok_and(|old| !old.state.is_alive(now))
            };
            if old.is_some_and(|old| !has_ended(&old)) {
                return Ok(Finish::Rollback(false));
            }
            let row = Row::starting_at(state, now);
            self.put(txn, key, &row, &fields).await?;
            Ok(Finish::Commit(true))
        })
        .await
    }

    /// Applies a load to a row that was read. Returns `None` if the load does not find the record.
    pub(super) fn loaded(
        &self,
        columns: &SqliteRow,
        request: &LoadRequest,
    ) -> Result<Option<Loaded>, StoreError> {
        let mut row = Row::read(columns)?;
        let now = self.now();
        let Some(effects) = row.state.on_load(request, now) else {
            return Ok(None);
        };
        row.state.apply_load(effects, request, now);
        Ok(Some(Loaded {
            row,
            fields: fields(columns)?,
            effects,
        }))
    }

    /// Reads the row again, in a transaction, and writes the effects of the load.
    pub(super) async fn load_and_write(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<Result<Option<Loaded>, StoreError>, StatementError> {
        self.write(async |txn| {
            let row = txn.one(&self.statements.select, key_args(key)).await?;
            let loaded = match row.map(|row| self.loaded(&row, request)) {
                Some(Ok(Some(loaded))) => loaded,
                other => return Ok(Finish::Rollback(other.unwrap_or(Ok(None)))),
            };
            if loaded.effects.is_empty() {
                return Ok(Finish::Rollback(Ok(Some(loaded))));
            }
            self.put(txn, key, &loaded.row, &loaded.fields).await?;
            Ok(Finish::Commit(Ok(Some(loaded))))
        })
        .await
    }

    /// Checks a change, and applies it if the verdict is [`Verdict::Apply`]. Returns `None` if there
    /// is no row.
    pub(super) async fn commit(
        &self,
        key: Key,
        change: &Change<()>,
        patch: Option<&Patch>,
    ) -> Result<Result<Option<Checked>, StoreError>, StatementError> {
        self.write(async |txn| {
            let row = txn.one(&self.statements.select, key_args(key)).await?;
            let Some(row) = row else {
                return Ok(Finish::Rollback(Ok(None)));
            };
            let now = self.now();
            let read = Row::read(&row).and_then(|read| Ok((read, fields(&row)?)));
            let (mut row, mut fields) = match read {
                Ok(read) => read,
                Err(error) => return Ok(Finish::Rollback(Err(error))),
            };
            let is_current = || patch.is_none_or(|patch| fields.is_base_of(patch));
            let verdict = row.state.check(change, now, is_current);
            if verdict == Verdict::Apply {
                let patch = patch.filter(|patch| !patch.is_empty());
                row.apply(change, patch.is_some(), now);
                if let Some(patch) = patch {
                    fields.apply(patch, row.state.version);
                }
                self.put(txn, key, &row, &fields).await?;
            }
            let checked = Checked {
                state: row.state,
                fields,
                verdict,
            };
            Ok(match verdict {
                Verdict::Apply => Finish::Commit(Ok(Some(checked))),
                _ => Finish::Rollback(Ok(Some(checked))),
            })
        })
        .await
    }

    /// Removes a record. Returns whether there was one that had not ended.
    pub(super) async fn destroy(&self, key: Key) -> Result<bool, StatementError> {
        self.write(async |txn| {
            let now = self.now();
            let row = txn.one(&self.statements.destroy, key_args(key)).await?;
            let deadline = row.and_then(|row| row.try_get(0).map(to_u64).ok());
            let was_alive = deadline.is_some_and(|deadline| now < deadline);
            Ok(Finish::Commit(was_alive))
        })
        .await
    }
}
