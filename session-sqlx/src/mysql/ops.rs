//! The statements of a record, and their arguments.

use std::sync::Arc;

use sqlx::mysql::{MySqlQueryResult, MySqlRow};
use sqlx::{MySql, Row as _};

use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::record::{Change, Key};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;
use connect_session_runtime::store::state::{LoadEffects, RecordState};

use super::MySqlBackend;
use super::fields_json::{self, PatchArgs};
use super::send::{DUPLICATE_KEY, bind_key, error_number};
use crate::args::Args;
use crate::backend::Inner;
use crate::columns::COLUMNS;
use crate::convert::{to_i64, to_u64};
use crate::error::{StatementError, bad_column};
use crate::row::Row;
use crate::server::ChangeArgs;

/// A row, and the time of the server when it was read.
pub(super) struct ReadRow {
    pub(super) state: RecordState,
    pub(super) now: u64,
    answer: MySqlRow,
}

impl ReadRow {
    pub(super) fn fields(&self) -> Result<StoredFields, StoreError> {
        let text = |after: usize| {
            let at = COLUMNS.len() + after;
            self.answer.try_get::<&str, _>(at).map_err(bad_column)
        };
        fields_json::read(text(2)?, text(3)?)
    }
}

impl Inner<MySqlBackend> {
    pub(super) async fn rows(
        &self,
        statement: &Arc<str>,
        args: Args<MySql>,
    ) -> Result<Vec<MySqlRow>, StatementError> {
        self.send(statement, args).await
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(super) async fn run(
        &self,
        statement: &Arc<str>,
        args: Args<MySql>,
    ) -> Result<u64, StatementError> {
        let done: MySqlQueryResult = self.send(statement, args).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn read(&self, key: Key) -> Result<Option<ReadRow>, StoreError> {
        let args = bind_key(Args::new(), key);
        let rows = self.rows(&self.statements.select, args).await;
        let Some(answer) = rows.map_err(StatementError::into_read_error)?.pop() else {
            return Ok(None);
        };
        let state = Row::read(&answer)?.state;
        let now = answer.try_get(COLUMNS.len() + 1).map_err(bad_column)?;
        self.backend.clock.observe(now);
        Ok(Some(ReadRow {
            state,
            now: to_u64(now),
            answer,
        }))
    }

    /// Writes the effects of a load at `now`, unless the record changed since it was read. Returns
    /// whether it wrote.
    pub(super) async fn write_load(
        &self,
        key: Key,
        before: &RecordState,
        after: &RecordState,
        effects: LoadEffects,
        now: u64,
    ) -> Result<bool, StoreError> {
        let bytes = |secret: SecretHash| secret.as_bytes().to_vec();
        let (offered, previous) = (&after.others.offered, &after.others.previous);
        let args = Args::new()
            .bind(bytes(after.secret.hash))
            .bind(to_i64(after.secret.since))
            .bind(offered.map(|offered| bytes(offered.hash)))
            .bind(offered.map(|offered| to_i64(offered.offered_at)))
            .bind(offered.map(|offered| to_i64(offered.grace)))
            .bind(previous.map(|previous| bytes(previous.hash)))
            .bind(previous.map(|previous| to_i64(previous.valid_until)))
            .bind(effects.touch)
            .bind(to_i64(now));
        let args = bind_key(args, key)
            .bind(to_i64(before.stamp.epoch))
            .bind(bytes(before.secret.hash))
            .bind(before.others.offered.map(|offered| bytes(offered.hash)));
        let changed = self.run(&self.statements.write_load, args).await;
        Ok(changed.map_err(StatementError::into_read_error)? > 0)
    }

    /// Applies a change and returns the new version; `None` if the record is not what the change is
    /// based on.
    pub(super) async fn apply<D>(
        &self,
        key: Key,
        change: &Change<D>,
        patch: &PatchArgs,
    ) -> Result<Option<u64>, StatementError> {
        let args = change_args(key, change, patch);
        let done: MySqlQueryResult = self.send(&self.statements.commit, args).await?;
        Ok((done.rows_affected() > 0).then(|| done.last_insert_id()))
    }

    /// Inserts a record. Returns `false` if the id is in use.
    pub(super) async fn insert(&self, args: Args<MySql>) -> Result<bool, StatementError> {
        match self.run(&self.statements.insert, args).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.not_applied().and_then(error_number) == Some(DUPLICATE_KEY) => {
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The arguments of the commit statement.
fn change_args<D>(key: Key, change: &Change<D>, patch: &PatchArgs) -> Args<MySql> {
    let ChangeArgs {
        secret,
        new_generation,
        sets_subject,
        subject,
        idle,
        absolute,
    } = ChangeArgs::new(change);
    let has_secret = secret.is_some();
    let restarts = change.lifetime.is_some() || new_generation;
    // `due`, `absolute_until`, `idle_until`, `idle`, `absolute`.
    let args = Args::new()
        .bind(idle)
        .bind(restarts)
        .bind(absolute)
        .bind(restarts)
        .bind(absolute)
        .bind(idle)
        .bind(idle)
        .bind(absolute);
    // The offered and the previous secret, and `secret_since`.
    let args = (0..6).fold(args, |args, _| args.bind(has_secret));
    let args = args
        .bind(secret)
        .bind(i64::from(has_secret))
        .bind(i64::from(new_generation))
        .bind(sets_subject)
        .bind(subject)
        .bind(change.commit_id.to_bytes().to_vec())
        .bind(patch.any)
        .bind(patch.replace_all)
        .bind(patch.revisions.clone())
        .bind(patch.any)
        .bind(patch.replace_all)
        .bind(patch.texts.clone())
        .bind(i64::from(patch.any));
    bind_key(args, key)
        .bind(change.commit_id.to_bytes().to_vec())
        .bind(to_i64(change.generation))
        .bind(has_secret)
        .bind(to_i64(change.epoch))
        .bind(patch.bases.clone())
        .bind(patch.absent.clone())
        .bind(patch.absent_count)
}
