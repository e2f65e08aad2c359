//! The verbs of the store.

use std::sync::Arc;

use sqlx::Row as _;

use super::row::{Facts, Verdict};
use super::{SqliteStore, about, turn};
use crate::data::SessionData;
use crate::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use crate::store::sql::bound::Bound;
use crate::store::sql::container::Fields;
use crate::store::sql::fault::{Failure, bad_column};
use crate::store::sql::number::count;
use crate::store::sql::patience::to_its_end;
use crate::store::sql::row::{Row, Step};
use crate::store::{Committed, Inserted, Store, StoreError};
use crate::timestamp::Timestamp;

impl<D: SessionData> Store<D> for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await?;
        self.start_sweeper();
        Ok(())
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        self.start_sweeper();
        let encoded = record.fields()?;
        let (row, fields) = (Row::new(record), Fields::new(&encoded));
        let inner = self.inner.clone();
        let inserted = to_its_end(async move { inner.insert(key, row, fields).await }).await;
        if !inserted.map_err(turn::full_or)? {
            return Ok(Inserted::Exists);
        }
        Ok(Inserted::Done {
            snapshot: record.kept(&encoded),
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

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch = patch.map(Arc::new);
        let facts = Facts::of(change);
        let (inner, sent) = (self.inner.clone(), patch.clone());
        let committed = to_its_end(async move { inner.commit(key, &facts, sent.as_deref()).await });
        let Some((row, fields, verdict)) = committed.await.map_err(Failure::of_write)?? else {
            return Ok(Committed::Gone);
        };
        Ok(match verdict {
            Verdict::Gone => Committed::Gone,
            Verdict::Conflict => {
                Committed::Conflict(Box::new(row.record(fields.stored()?, false)?))
            }
            Verdict::Repeated if change.data.is_some() => {
                Committed::Applied(Some(fields.stored()?.snapshot(count(row.version))?))
            }
            Verdict::Repeated => Committed::Applied(None),
            Verdict::Apply => {
                let kept = change.data.as_ref().zip(patch.as_ref());
                let version = count(row.version);
                Committed::Applied(kept.map(|(data, patch)| data.kept(patch, version)))
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        let destroyed = to_its_end(async move { inner.destroy(key).await }).await;
        destroyed.map_err(Failure::of_write)
    }

    fn place(&self) -> Option<String> {
        self.inner.place()
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
