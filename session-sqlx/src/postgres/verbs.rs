//! The verbs of the store.

use sqlx::Row as _;

use super::ask::about;
use super::statements::Verdict;
use super::written::Written;
use super::{PostgresStore, rows};
use crate::bound::Bound;
use crate::container::Fields;
use crate::fault::{Failure, bad_column};
use crate::number::{count, number, way};
use crate::text;
use crate::time::length;
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
        let bound = about(key)
            .and(record.commit_id.to_bytes().to_vec())
            .and(way(record.transport))
            .and(record.secret.as_bytes().to_vec())
            .and(length(record.lifetime.idle()))
            .and(length(record.lifetime.absolute()))
            .and(
                record
                    .subject
                    .as_deref()
                    .map(|it| text::escape(it).into_owned()),
            )
            .and(Fields::new(&fields).container());
        let row = self.inner.ask(&self.inner.statements.insert, bound).await;
        let Some(row) = row.map_err(Failure::of_write)? else {
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
        let bound = about(key)
            .and(request.secret.as_bytes().to_vec())
            .and(way(request.transport))
            .and(request.touch_every.map(length))
            .and(renewal.map(|renewal| length(renewal.every)))
            .and(renewal.map(|renewal| length(renewal.grace)))
            .and(renewal.map(|renewal| renewal.candidate.as_bytes().to_vec()));
        let row = self.inner.ask(&self.inner.statements.load, bound).await;
        let Some(row) = row.map_err(Failure::of_read)? else {
            return Ok(None);
        };
        self.inner.refuse_foreign(&row)?;
        let renewed = row.try_get(13).map_err(bad_column)?;
        rows::record(&row, renewed).map(Some)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let bound = Written::new(patch.as_ref());
        let identity = change.identity.as_ref();
        let subject = identity.map(|identity| &identity.subject);
        let new_subject = match subject {
            Some(SubjectChange::Set(subject)) => Some(text::escape(subject).into_owned()),
            _ => None,
        };
        let bound = about(key)
            .and(change.commit_id.to_bytes().to_vec())
            .and(number(change.generation))
            .and(number(change.epoch))
            .and(bound.bases)
            .and(bound.replace_all)
            .and(bound.set)
            .and(bound.remove)
            .and(identity.map(|identity| identity.secret.as_bytes().to_vec()))
            .and(identity.is_some_and(|identity| identity.new_generation))
            .and(subject.is_some_and(|subject| *subject != SubjectChange::Keep))
            .and(new_subject)
            .and(change.lifetime.map(|lifetime| length(lifetime.idle())))
            .and(change.lifetime.map(|lifetime| length(lifetime.absolute())))
            .and(change.data.is_some());
        let row = self.inner.ask(&self.inner.statements.commit, bound).await;
        let Some(row) = row.map_err(Failure::of_write)? else {
            return Ok(CommitOutcome::Ended);
        };
        self.inner.refuse_foreign(&row)?;
        let column = |at| row.try_get::<i64, _>(at).map_err(bad_column);
        let verdict = Verdict::of(row.try_get(13).map_err(bad_column)?);
        Ok(match verdict {
            Verdict::Foreign | Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => CommitOutcome::Conflict(Box::new(rows::record(&row, false)?)),
            Verdict::Repeated if change.data.is_some() => {
                let version = count(column(0)?);
                CommitOutcome::Applied(Some(rows::snapshot(&row, version)?))
            }
            Verdict::Repeated => CommitOutcome::Applied(None),
            Verdict::Applied => {
                let version = count(column(14)?);
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
        let Some(row) = row.map_err(Failure::of_write)? else {
            return Ok(false);
        };
        row.try_get(0).map_err(bad_column)
    }

    fn backend_id(&self) -> Option<String> {
        Some(self.inner.backend_id())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let bound = Bound::new().and(namespace);
        let row = self.inner.ask(&self.inner.statements.count, bound).await;
        let Some(row) = row.map_err(Failure::of_read)? else {
            return Ok(0);
        };
        row.try_get(0).map(count).map_err(bad_column)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
