//! The verbs of the store.

use std::sync::Arc;

use sqlx::Row as _;

use super::row::{Facts, Verdict};
use super::{SqliteStore, about, turn};
use crate::bound::Bound;
use crate::container::Fields;
use crate::fault::{Failure, bad_column};
use crate::number::count;
use crate::patience::to_its_end;
use crate::row::{Row, Step};
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
        let inserted = to_its_end(async move { inner.insert(key, row, fields).await }).await;
        if !inserted.map_err(turn::full_or)? {
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
        let seen = seen.map_err(Failure::of_read)?;
        let Some(row) = seen.first() else {
            return Ok(None);
        };
        let Some(mut admitted) = self.inner.admitted(row, request)? else {
            return Ok(None);
        };
        if !admitted.due.nothing() {
            let (inner, request) = (self.inner.clone(), *request);
            let written = to_its_end(async move { inner.load_and_write(key, &request).await });
            match written.await.map_err(Failure::of_read)?? {
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
        let facts = Facts::of(change);
        let (inner, sent) = (self.inner.clone(), patch.clone());
        let committed = to_its_end(async move { inner.commit(key, &facts, sent.as_deref()).await });
        let Some((row, fields, verdict)) = committed.await.map_err(Failure::of_write)?? else {
            return Ok(CommitOutcome::Ended);
        };
        Ok(match verdict {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => {
                CommitOutcome::Conflict(Box::new(row.record(fields.stored()?, false)?))
            }
            Verdict::Repeated if change.data.is_some() => {
                CommitOutcome::Applied(Some(fields.stored()?.snapshot(count(row.version))?))
            }
            Verdict::Repeated => CommitOutcome::Applied(None),
            Verdict::Apply => {
                let kept = change.data.as_ref().zip(patch.as_ref());
                let version = count(row.version);
                CommitOutcome::Applied(
                    kept.map(|(data, patch)| data.snapshot_after(patch, version)),
                )
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        let destroyed = to_its_end(async move { inner.destroy(key).await }).await;
        destroyed.map_err(Failure::of_write)
    }

    fn backend_id(&self) -> Option<String> {
        self.inner.backend_id()
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let bound = Bound::new().and(namespace).and(self.inner.millis());
        let rows = self.inner.all(&self.inner.statements.count, bound).await;
        let rows = rows.map_err(Failure::of_read)?;
        let number = rows.first().map(|row| row.try_get(0).map_err(bad_column));
        number.unwrap_or(Ok(0)).map(count)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}
