//! The verbs of the store.

use sqlx::Row as _;

use super::ask::with_key;
use super::fields::{self, Written};
use super::{LOOKS, MySqlStore};
use crate::data::SessionData;
use crate::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use crate::store::sql::bound::Bound;
use crate::store::sql::fault::{Failure, Fault, bad_column};
use crate::store::sql::number::{count, way};
use crate::store::sql::row::Step;
use crate::store::sql::text;
use crate::store::sql::time::length;
use crate::store::{Committed, Inserted, Store, StoreError};
use crate::timestamp::Timestamp;

impl<D: SessionData> Store<D> for MySqlStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await?;
        self.start_sweeper();
        Ok(())
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        self.start_sweeper();
        let encoded = record.fields()?;
        let (revisions, texts) = fields::new(&encoded);
        let (idle, absolute) = (
            length(record.lifetime.idle()),
            length(record.lifetime.absolute()),
        );
        let subject = record.subject.as_deref();
        let bound = || {
            with_key(Bound::new(), key)
                .and(record.commit_id.to_bytes().to_vec())
                .and(way(record.transport))
                .and(record.secret.as_bytes().to_vec())
                .and(idle)
                .and(absolute)
                .and(idle)
                .and(absolute)
                .and(idle)
                .and(absolute)
                .and(subject.map(|subject| text::escape(subject).into_owned()))
                .and(revisions.clone())
                .and(texts.clone())
        };
        let inner = &self.inner;
        let mut done = inner.insert(bound()).await.map_err(Failure::of_write)?;
        if !done {
            // A random id is taken only where it was chosen on purpose, or has ended.
            let gone = inner
                .run(&inner.statements.forget, with_key(Bound::new(), key))
                .await;
            if gone.map_err(Failure::of_write)?.rows_affected() > 0 {
                done = inner.insert(bound()).await.map_err(Failure::of_write)?;
            }
        }
        if !done {
            return Ok(Inserted::Exists);
        }
        Ok(Inserted::Done {
            snapshot: record.kept(&encoded),
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        for _ in 0..LOOKS {
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
        Err(Fault::new(format!("the session changed {LOOKS} times during one load")).into())
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let written = Written::new(patch.as_ref());
        let applied = self.inner.apply(key, change, &written).await;
        if let Some(version) = applied.map_err(Failure::of_write)? {
            let kept = change.data.as_ref().zip(patch.as_ref());
            return Ok(Committed::Applied(
                kept.map(|(data, patch)| data.kept(patch, version)),
            ));
        }
        let Some(seen) = self.inner.see(key).await? else {
            return Ok(Committed::Gone);
        };
        let (row, fields) = (&seen.row, seen.fields()?);
        Ok(if !row.is_alive(seen.now) {
            Committed::Gone
        } else if row.commit_id == change.commit_id {
            let wanted = change.data.as_ref();
            let snapshot = wanted.map(|_| fields.snapshot(count(row.version)));
            Committed::Applied(snapshot.transpose()?)
        } else if count(row.generation) != change.generation {
            Committed::Gone
        } else {
            // Whatever it was that did not fit a moment ago, this is how the record is now.
            Committed::Conflict(Box::new(row.record(fields, false)?))
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let bound = with_key(Bound::new(), key);
        let done = self.inner.run(&self.inner.statements.destroy, bound).await;
        Ok(done.map_err(Failure::of_write)?.rows_affected() > 0)
    }

    fn place(&self) -> Option<String> {
        Some(self.inner.place())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let bound = Bound::new().and(namespace.as_bytes().to_vec());
        let rows = self.inner.rows(&self.inner.statements.count, bound).await;
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
