//! The operations of the store.

use std::sync::Arc;

use sqlx::Row as _;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{
    Change, DataChange, Key, LoadRequest, NewRecord, Record, Snapshot,
};
use connect_session_runtime::store::state::Verdict;
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::ops::{Checked, key_args};
use super::row::{change_meta, new_state};
use super::{SqliteStore, write};
use crate::args::Args;
use crate::convert::{to_i64, to_u64};
use crate::error::{StatementError, bad_column};
use crate::fields_json::Fields;
use crate::timeout::run_detached;
use crate::verbs::{applied, inserted};

impl<D: SessionData> Store<D> for SqliteStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.0.check_ready().await
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.0.start_sweeper();
        let encoded = record.fields()?;
        let (state, fields) = (new_state(record), Fields::new(&encoded));
        let inner = self.0.inner.clone();
        let done = run_detached(async move { inner.insert(key, state, fields).await }).await;
        if done.map_err(write::insert_error)? {
            Ok(inserted(record, &encoded))
        } else {
            Ok(InsertOutcome::Exists)
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let inner = &self.0.inner;
        let rows = inner.all(&inner.statements.select, key_args(key)).await;
        let rows = rows.map_err(StatementError::into_read_error)?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let Some(mut loaded) = inner.loaded(row, request)? else {
            return Ok(None);
        };
        if !loaded.effects.is_empty() {
            // Before anything is written: a session that cannot be read does not live longer.
            let state = &loaded.row.state;
            let _: Snapshot<D> = loaded
                .fields
                .clone()
                .into_stored()?
                .snapshot(state.version)?;
            let (inner, request) = (inner.clone(), *request);
            let written = run_detached(async move { inner.load_and_write(key, &request).await });
            match written.await.map_err(StatementError::into_read_error)?? {
                Some(latest) => loaded = latest,
                None => return Ok(None),
            }
        }
        let state = &loaded.row.state;
        let snapshot = loaded.fields.into_stored()?.snapshot(state.version)?;
        Ok(Some(state.record(snapshot, loaded.effects.makes_offer())))
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch = patch.map(Arc::new);
        let meta = change_meta(change);
        let (inner, sent) = (self.0.inner.clone(), patch.clone());
        let checked = run_detached(async move { inner.commit(key, &meta, sent.as_deref()).await });
        let checked = checked.await.map_err(StatementError::into_write_error)??;
        let Some(Checked {
            state,
            fields,
            verdict,
        }) = checked
        else {
            return Ok(CommitOutcome::Ended);
        };
        let snapshot = || fields.into_stored()?.snapshot(state.version);
        Ok(match verdict {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::Conflict => {
                CommitOutcome::Conflict(Box::new(state.record(snapshot()?, false)))
            }
            Verdict::AlreadyApplied if change.data.is_some() => {
                CommitOutcome::Applied(Some(snapshot()?))
            }
            Verdict::AlreadyApplied => CommitOutcome::Applied(None),
            Verdict::Apply => applied(change, patch.as_deref(), state.version),
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = self.0.inner.clone();
        let destroyed = run_detached(async move { inner.destroy(key).await }).await;
        destroyed.map_err(StatementError::into_write_error)
    }

    fn backend_id(&self) -> Option<String> {
        self.0.inner.backend_id()
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let inner = &self.0.inner;
        let args = Args::new().bind(namespace).bind(to_i64(inner.now()));
        let rows = inner.all(&inner.statements.count, args).await;
        let rows = rows.map_err(StatementError::into_read_error)?;
        let count = rows.first().map(|row| row.try_get(0).map(to_u64));
        count.unwrap_or(Ok(0)).map_err(bad_column)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.0.inner.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.0.inner.backend.clock.now()
    }
}
