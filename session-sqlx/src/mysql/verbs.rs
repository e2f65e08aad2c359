//! The operations of the store.

use sqlx::Row as _;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, DataChange, Key, LoadRequest, NewRecord, Record};
use connect_session_runtime::store::state::Verdict;
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, Store, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::MySqlStore;
use super::fields_json::{self, PatchArgs};
use super::send::bind_key;
use crate::args::Args;
use crate::convert::{to_u64, transport_code};
use crate::error::{ContextError, StatementError, bad_column};
use crate::server::to_millis;
use crate::verbs::{applied, escaped_subject, inserted};

/// How often a load reads the record if other requests keep changing it before the load can write.
const RETRIES: u32 = 8;

impl<D: SessionData> Store<D> for MySqlStore {
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
        let (revisions, texts) = fields_json::new(&encoded);
        let (idle, absolute) = (
            to_millis(record.lifetime.idle()),
            to_millis(record.lifetime.absolute()),
        );
        let args = || {
            bind_key(Args::new(), key)
                .bind(record.commit_id.to_bytes().to_vec())
                .bind(transport_code(record.transport))
                .bind(record.secret.as_bytes().to_vec())
                .bind(idle)
                .bind(absolute)
                .bind(idle)
                .bind(absolute)
                .bind(idle)
                .bind(absolute)
                .bind(escaped_subject(record.subject.as_deref()))
                .bind(revisions.clone())
                .bind(texts.clone())
        };
        let inner = &self.0.inner;
        let done = inner.insert(args()).await;
        let mut done = done.map_err(StatementError::into_write_error)?;
        if !done {
            // Ids are random: one is only in use if it was chosen on purpose. It is free if its record
            // has ended.
            let old = bind_key(Args::new(), key);
            let deleted = inner.run(&inner.statements.delete_ended, old).await;
            if deleted.map_err(StatementError::into_write_error)? > 0 {
                let again = inner.insert(args()).await;
                done = again.map_err(StatementError::into_write_error)?;
            }
        }
        if done {
            Ok(inserted(record, &encoded))
        } else {
            Ok(InsertOutcome::Exists)
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let inner = &self.0.inner;
        for _ in 0..RETRIES {
            let Some(read) = inner.read(key).await? else {
                return Ok(None);
            };
            let (before, now) = (&read.state, read.now);
            let Some(effects) = before.on_load(request, now) else {
                return Ok(None);
            };
            let mut after = before.clone();
            after.apply_load(effects, request, now);
            if effects.is_empty() || inner.write_load(key, before, &after, effects, now).await? {
                let snapshot = read.fields()?.snapshot(after.version)?;
                return Ok(Some(after.record(snapshot, effects.makes_offer())));
            }
            // Another request promoted or rotated the secret, or the session ended.
        }
        Err(ContextError::new(format!(
            "other requests changed the session {RETRIES} times during one load"
        ))
        .into())
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        let inner = &self.0.inner;
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let patch_args = PatchArgs::new(patch.as_ref());
        let version = inner.apply(key, change, &patch_args).await;
        if let Some(version) = version.map_err(StatementError::into_write_error)? {
            return Ok(applied(change, patch.as_ref(), version));
        }
        let Some(read) = inner.read(key).await? else {
            return Ok(CommitOutcome::Ended);
        };
        let (state, fields) = (&read.state, read.fields()?);
        // The statement found a conflict. Whether the record still has it does not matter: the engine
        // merges the change with what was read.
        Ok(match state.check(change, read.now, || false) {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::AlreadyApplied => {
                let data = change.data.as_ref();
                let snapshot = data.map(|_| fields.snapshot(state.version));
                CommitOutcome::Applied(snapshot.transpose()?)
            }
            Verdict::Conflict | Verdict::Apply => {
                let snapshot = fields.snapshot(state.version)?;
                CommitOutcome::Conflict(Box::new(state.record(snapshot, false)))
            }
        })
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let inner = &self.0.inner;
        let args = bind_key(Args::new(), key);
        let deleted = inner.run(&inner.statements.destroy, args).await;
        Ok(deleted.map_err(StatementError::into_write_error)? > 0)
    }

    fn backend_id(&self) -> Option<String> {
        Some(self.0.inner.backend_id())
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let inner = &self.0.inner;
        let args = Args::new().bind(namespace.as_bytes().to_vec());
        let rows = inner.rows(&inner.statements.count, args).await;
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
