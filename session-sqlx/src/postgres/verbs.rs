//! The verbs of the store.

use sqlx::Row as _;

use super::patch_args::PatchArgs;
use super::send::about;
use super::statements::Verdict;
use super::{PostgresStore, rows};
use crate::args::Args;
use crate::convert::to_millis;
use crate::convert::{to_i64, to_u64, transport_code};
use crate::error::{StatementError, bad_column};
use crate::escape;
use crate::fields_json::Fields;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{
    Change, DataChange, Key, LoadRequest, NewRecord, Record, SubjectChange,
};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

impl<D: SessionData> Store<D> for PostgresStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.inner.check_ready().await?;
        self.start_sweeper();
        Ok(())
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.start_sweeper();
        let fields = record.fields()?;
        let args = about(key)
            .bind(record.commit_id.to_bytes().to_vec())
            .bind(transport_code(record.transport))
            .bind(record.secret.as_bytes().to_vec())
            .bind(to_millis(record.lifetime.idle()))
            .bind(to_millis(record.lifetime.absolute()))
            .bind(
                record
                    .subject
                    .as_deref()
                    .map(|it| escape::escape(it).into_owned()),
            )
            .bind(Fields::new(&fields).to_json());
        let row = self.inner.ask(&self.inner.statements.insert, args).await;
        let Some(row) = row.map_err(StatementError::into_write_error)? else {
            return Ok(InsertOutcome::Exists);
        };
        if let Ok(now) = row.try_get(0) {
            self.inner.clock.observe(now);
        }
        Ok(InsertOutcome::Done {
            snapshot: record.into_snapshot(&fields),
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let renewal = request.renewal.as_ref();
        let args = about(key)
            .bind(request.secret.as_bytes().to_vec())
            .bind(transport_code(request.transport))
            .bind(request.touch_every.map(to_millis))
            .bind(renewal.map(|renewal| to_millis(renewal.every)))
            .bind(renewal.map(|renewal| to_millis(renewal.grace)))
            .bind(renewal.map(|renewal| renewal.candidate.as_bytes().to_vec()));
        let row = self.inner.ask(&self.inner.statements.load, args).await;
        let Some(row) = row.map_err(StatementError::into_read_error)? else {
            return Ok(None);
        };
        self.inner.check_format(&row)?;
        let renewed = row.try_get(13).map_err(bad_column)?;
        rows::record(&row, renewed).map(Some)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let args = PatchArgs::new(patch.as_ref());
        let identity = change.identity.as_ref();
        let subject = identity.map(|identity| &identity.subject);
        let new_subject = match subject {
            Some(SubjectChange::Set(subject)) => Some(escape::escape(subject).into_owned()),
            _ => None,
        };
        let args = about(key)
            .bind(change.commit_id.to_bytes().to_vec())
            .bind(to_i64(change.generation))
            .bind(to_i64(change.epoch))
            .bind(args.bases)
            .bind(args.replace_all)
            .bind(args.set)
            .bind(args.remove)
            .bind(identity.map(|identity| identity.secret.as_bytes().to_vec()))
            .bind(identity.is_some_and(|identity| identity.new_generation))
            .bind(subject.is_some_and(|subject| *subject != SubjectChange::Keep))
            .bind(new_subject)
            .bind(change.lifetime.map(|lifetime| to_millis(lifetime.idle())))
            .bind(
                change
                    .lifetime
                    .map(|lifetime| to_millis(lifetime.absolute())),
            )
            .bind(change.data.is_some());
        let row = self.inner.ask(&self.inner.statements.commit, args).await;
        let Some(row) = row.map_err(StatementError::into_write_error)? else {
            return Ok(CommitOutcome::Ended);
        };
        self.inner.check_format(&row)?;
        let column = |at| row.try_get::<i64, _>(at).map_err(bad_column);
        let verdict = Verdict::of(row.try_get(13).map_err(bad_column)?);
        Ok(match verdict {
            Verdict::Foreign | Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => CommitOutcome::Conflict(Box::new(rows::record(&row, false)?)),
            Verdict::Repeated if change.data.is_some() => {
                let version = to_u64(column(0)?);
                CommitOutcome::Applied(Some(rows::snapshot(&row, version)?))
            }
            Verdict::Repeated => CommitOutcome::Applied(None),
            Verdict::Applied => {
                let version = to_u64(column(14)?);
                let kept = change.data.as_ref().zip(patch.as_ref());
                CommitOutcome::Applied(
                    kept.map(|(data, patch)| data.snapshot_after(patch, version)),
                )
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let row = self
            .inner
            .ask(&self.inner.statements.destroy, about(key))
            .await;
        let Some(row) = row.map_err(StatementError::into_write_error)? else {
            return Ok(false);
        };
        row.try_get(0).map_err(bad_column)
    }

    fn backend_id(&self) -> Option<String> {
        Some(self.inner.backend_id())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let args = Args::new().bind(namespace);
        let row = self.inner.ask(&self.inner.statements.count, args).await;
        let Some(row) = row.map_err(StatementError::into_read_error)? else {
            return Ok(0);
        };
        row.try_get(0).map(to_u64).map_err(bad_column)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
