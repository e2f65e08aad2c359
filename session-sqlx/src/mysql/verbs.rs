//! The verbs of the store.

use sqlx::Row as _;

use super::fields_json::{self, PatchArgs};
use super::send::with_key;
use super::{MySqlStore, RETRIES};
use crate::args::Args;
use crate::convert::to_millis;
use crate::convert::{to_u64, transport_code};
use crate::error::{ContextError, StatementError, bad_column};
use crate::escape;
use crate::row::Step;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

impl<D: SessionData> Store<D> for MySqlStore {
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
        let encoded = record.fields()?;
        let (revisions, texts) = fields_json::new(&encoded);
        let (idle, absolute) = (
            to_millis(record.lifetime.idle()),
            to_millis(record.lifetime.absolute()),
        );
        let subject = record.subject.as_deref();
        let args = || {
            with_key(Args::new(), key)
                .bind(record.commit_id.to_bytes().to_vec())
                .bind(transport_code(record.transport))
                .bind(record.secret.as_bytes().to_vec())
                .bind(idle)
                .bind(absolute)
                .bind(idle)
                .bind(absolute)
                .bind(idle)
                .bind(absolute)
                .bind(subject.map(|subject| escape::escape(subject).into_owned()))
                .bind(revisions.clone())
                .bind(texts.clone())
        };
        let inner = &self.inner;
        let mut done = inner
            .insert(args())
            .await
            .map_err(StatementError::into_write_error)?;
        if !done {
            // A random id is taken only where it was chosen on purpose, or has ended.
            let gone = inner
                .run(&inner.statements.forget, with_key(Args::new(), key))
                .await;
            if gone
                .map_err(StatementError::into_write_error)?
                .rows_affected()
                > 0
            {
                done = inner
                    .insert(args())
                    .await
                    .map_err(StatementError::into_write_error)?;
            }
        }
        if !done {
            return Ok(InsertOutcome::Exists);
        }
        Ok(InsertOutcome::Done {
            snapshot: record.into_snapshot(&encoded),
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        for _ in 0..RETRIES {
            let Some(seen) = self.inner.see(key).await? else {
                return Ok(None);
            };
            let Some(due) = seen.row.admit(request, seen.now) else {
                return Ok(None);
            };
            let mut after = seen.row.clone();
            after.carry_out(due, request, seen.now);
            if due.nothing()
                || self
                    .inner
                    .admit(key, &seen.row, &after, due, seen.now)
                    .await?
            {
                let renewed = due.step == Step::Offer;
                return after.record(seen.fields()?, renewed).map(Some);
            }
            // Another request promoted or rotated the secret, or the session ended: look again.
        }
        Err(ContextError::new(format!(
            "the session changed {RETRIES} times during one load"
        ))
        .into())
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let written = PatchArgs::new(patch.as_ref());
        let applied = self.inner.apply(key, change, &written).await;
        if let Some(version) = applied.map_err(StatementError::into_write_error)? {
            let kept = change.data.as_ref().zip(patch.as_ref());
            return Ok(CommitOutcome::Applied(
                kept.map(|(data, patch)| data.snapshot_after(patch, version)),
            ));
        }
        let Some(seen) = self.inner.see(key).await? else {
            return Ok(CommitOutcome::Ended);
        };
        let (row, fields) = (&seen.row, seen.fields()?);
        Ok(if !row.is_alive(seen.now) {
            CommitOutcome::Ended
        } else if row.commit_id == change.commit_id {
            let wanted = change.data.as_ref();
            let snapshot = wanted.map(|_| fields.snapshot(to_u64(row.version)));
            CommitOutcome::Applied(snapshot.transpose()?)
        } else if to_u64(row.generation) != change.generation {
            CommitOutcome::Ended
        } else {
            // Whatever it was that did not fit a moment ago, this is how the record is now.
            CommitOutcome::Conflict(Box::new(row.record(fields, false)?))
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let args = with_key(Args::new(), key);
        let done = self.inner.run(&self.inner.statements.destroy, args).await;
        Ok(done
            .map_err(StatementError::into_write_error)?
            .rows_affected()
            > 0)
    }

    fn backend_id(&self) -> Option<String> {
        Some(self.inner.backend_id())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let args = Args::new().bind(namespace.as_bytes().to_vec());
        let rows = self.inner.rows(&self.inner.statements.count, args).await;
        let rows = rows.map_err(StatementError::into_read_error)?;
        let number = rows.first().map(|row| row.try_get(0).map_err(bad_column));
        number.unwrap_or(Ok(0)).map(to_u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
