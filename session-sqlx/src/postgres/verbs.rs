//! The operations of the store.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::patch_args::PatchArgs;
use super::send::key_args;
use super::statements::Verdict;
use super::{PostgresStore, rows};
use crate::args::Args;
use crate::convert::{to_i64, to_u64, transport_code};
use crate::error::{StatementError, bad_column};
use crate::fields_json::Fields;
use crate::server::{ChangeArgs, to_millis};
use crate::verbs::{applied, escaped_subject, inserted};

type Answer = Result<Option<PgRow>, StatementError>;

impl<D: SessionData> Store<D> for PostgresStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.0.check_ready().await
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.0.start_sweeper();
        let inner = &self.0.inner;
        let fields = record.fields()?;
        let args = key_args(key)
            .bind(record.commit_id.to_bytes().to_vec())
            .bind(transport_code(record.transport))
            .bind(record.secret.as_bytes().to_vec())
            .bind(to_millis(record.lifetime.idle()))
            .bind(to_millis(record.lifetime.absolute()))
            .bind(escaped_subject(record.subject.as_deref()))
            .bind(Fields::new(&fields).to_json());
        let row: Answer = inner.send(&inner.statements.insert, args).await;
        let Some(row) = row.map_err(StatementError::into_write_error)? else {
            return Ok(InsertOutcome::Exists);
        };
        if let Ok(now) = row.try_get(0) {
            inner.backend.clock.observe(now);
        }
        Ok(inserted(record, &fields))
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let inner = &self.0.inner;
        let renewal = request.renewal.as_ref();
        let args = key_args(key)
            .bind(request.secret.as_bytes().to_vec())
            .bind(transport_code(request.transport))
            .bind(request.touch_every.map(to_millis))
            .bind(renewal.map(|renewal| to_millis(renewal.every)))
            .bind(renewal.map(|renewal| to_millis(renewal.grace)))
            .bind(renewal.map(|renewal| renewal.candidate.as_bytes().to_vec()));
        let row: Answer = inner.send(&inner.statements.load, args).await;
        let Some(row) = row.map_err(StatementError::into_read_error)? else {
            return Ok(None);
        };
        inner.check_format(&row)?;
        let renewed = row.try_get(13).map_err(bad_column)?;
        rows::record(&row, renewed).map(Some)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let inner = &self.0.inner;
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch_args = PatchArgs::new(patch.as_ref());
        let change_args = ChangeArgs::new(change);
        let args = key_args(key)
            .bind(change.commit_id.to_bytes().to_vec())
            .bind(to_i64(change.generation))
            .bind(to_i64(change.epoch))
            .bind(patch_args.bases)
            .bind(patch_args.replace_all)
            .bind(patch_args.set)
            .bind(patch_args.remove)
            .bind(change_args.secret)
            .bind(change_args.new_generation)
            .bind(change_args.sets_subject)
            .bind(change_args.subject)
            .bind(change_args.idle)
            .bind(change_args.absolute)
            .bind(change.data.is_some());
        let row: Answer = inner.send(&inner.statements.commit, args).await;
        let Some(row) = row.map_err(StatementError::into_write_error)? else {
            return Ok(CommitOutcome::Ended);
        };
        inner.check_format(&row)?;
        let version = |at| row.try_get(at).map(to_u64).map_err(bad_column);
        let verdict = Verdict::from_code(row.try_get(13).map_err(bad_column)?);
        Ok(match verdict {
            Verdict::UnknownFormat | Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => CommitOutcome::Conflict(Box::new(rows::record(&row, false)?)),
            Verdict::AlreadyApplied if change.data.is_some() => {
                CommitOutcome::Applied(Some(rows::snapshot(&row, version(0)?)?))
            }
            Verdict::AlreadyApplied => CommitOutcome::Applied(None),
            Verdict::Applied => applied(change, patch.as_ref(), version(14)?),
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = &self.0.inner;
        let row: Answer = inner.send(&inner.statements.destroy, key_args(key)).await;
        let row = row.map_err(StatementError::into_write_error)?;
        let was_alive = row.map(|row| row.try_get(0).map_err(bad_column));
        was_alive.unwrap_or(Ok(false))
    }

    fn backend_id(&self) -> Option<String> {
        Some(self.0.inner.backend_id())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let inner = &self.0.inner;
        let args = Args::new().bind(namespace);
        let row: Answer = inner.send(&inner.statements.count, args).await;
        let row = row.map_err(StatementError::into_read_error)?;
        let count = row.map(|row| row.try_get(0).map(to_u64).map_err(bad_column));
        count.unwrap_or(Ok(0))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.0.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.0.inner.backend.clock.now()
    }
}
