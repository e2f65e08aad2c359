//! The verbs of the store.

use std::sync::Arc;

use sqlx::Row as _;

use super::row::{ChangeMeta, Verdict};
use super::{SqliteStore, about, write};
use crate::args::Args;
use crate::convert::to_u64;
use crate::error::{StatementError, bad_column};
use crate::fields_json::Fields;
use crate::row::{Row, Step};
use crate::timeout::run_detached;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

impl<D: SessionData> Store<D> for SqliteStore {
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
        let (row, fields) = (Row::new(record), Fields::new(&encoded));
        let inner = self.inner.clone();
        let inserted = run_detached(async move { inner.insert(key, row, fields).await }).await;
        if !inserted.map_err(write::full_or)? {
            return Ok(InsertOutcome::Exists);
        }
        Ok(InsertOutcome::Done {
            snapshot: record.into_snapshot(&encoded),
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let seen = self
            .inner
            .all(&self.inner.statements.select, about(key))
            .await;
        let seen = seen.map_err(StatementError::into_read_error)?;
        let Some(row) = seen.first() else {
            return Ok(None);
        };
        let Some(mut admitted) = self.inner.admitted(row, request)? else {
            return Ok(None);
        };
        if !admitted.due.nothing() {
            let (inner, request) = (self.inner.clone(), *request);
            let written = run_detached(async move { inner.load_and_write(key, &request).await });
            match written.await.map_err(StatementError::into_read_error)?? {
                Some(now) => admitted = now,
                None => return Ok(None),
            }
        }
        let renewed = admitted.due.step == Step::Offer;
        let fields = admitted.fields.stored()?;
        admitted.row.record(fields, renewed).map(Some)
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch = patch.map(Arc::new);
        let meta = ChangeMeta::of(change);
        let (inner, sent) = (self.inner.clone(), patch.clone());
        let committed =
            run_detached(async move { inner.commit(key, &meta, sent.as_deref()).await });
        let Some((row, fields, verdict)) = committed
            .await
            .map_err(StatementError::into_write_error)??
        else {
            return Ok(CommitOutcome::Ended);
        };
        Ok(match verdict {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => {
                CommitOutcome::Conflict(Box::new(row.record(fields.stored()?, false)?))
            }
            Verdict::Repeated if change.data.is_some() => {
                CommitOutcome::Applied(Some(fields.stored()?.snapshot(to_u64(row.version))?))
            }
            Verdict::Repeated => CommitOutcome::Applied(None),
            Verdict::Apply => {
                let kept = change.data.as_ref().zip(patch.as_ref());
                let version = to_u64(row.version);
                CommitOutcome::Applied(
                    kept.map(|(data, patch)| data.snapshot_after(patch, version)),
                )
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        let destroyed = run_detached(async move { inner.destroy(key).await }).await;
        destroyed.map_err(StatementError::into_write_error)
    }

    fn backend_id(&self) -> Option<String> {
        self.inner.backend_id()
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let args = Args::new().bind(namespace).bind(self.inner.millis());
        let rows = self.inner.all(&self.inner.statements.count, args).await;
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
