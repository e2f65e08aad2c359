//! The operations on a record. Each is one statement, and a second one only where something is due or
//! a change was not applied.

use std::sync::Arc;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{
    Change, Key, LoadRequest, LoginChange, NewRecord, Record, Snapshot,
};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::state::{RecordState, Verdict};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, StoreError};

use super::change::{DataOnly, change_args, noted_version};
use super::driver::WrittenAfterRead;
use super::millis::to_millis;
use super::values::namespace_number;
use super::{Committed, Dialect, Rows, Written};
use crate::args::Args;
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64, transport_code};
use crate::error::{ContextError, StatementError};
use crate::escape::escaped_subject;
use crate::fields;
use crate::row::Stored;

/// How often a load reads the record if other requests keep changing its secrets before the load can
/// write.
const RETRIES: u32 = 8;

impl<B: Dialect> Inner<B> {
    pub(crate) async fn insert<D: SessionData>(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let fields = fields::of_new(record)?;
        let idle = to_millis(record.lifetime.idle());
        let absolute = to_millis(record.lifetime.absolute());
        let subject = escaped_subject(record.login.as_ref().map(|login| &*login.subject));
        let args = || {
            B::first_args(self)
                .key(key)
                .small(transport_code(record.transport))
                .bytes(&record.commit_id.to_bytes())
                .bytes(record.secret.as_bytes())
                .number(idle)
                .number(absolute)
                .number(idle)
                .number(absolute)
                .number(idle.min(absolute))
                .maybe_text(subject.as_deref())
                .maybe_number(noted_version(record.versions.written))
                .bytes(&fields)
        };
        self.check_size(&fields, subject.as_deref())?;
        let mut is_done = self.insert_row(&args).await?;
        if !is_done {
            // Ids are random: one is only in use if it was chosen on purpose. It is free if its record
            // has ended.
            let statement = &B::shared_statements(self).delete_ended;
            let deleted = B::run(self, statement, || B::first_args(self).key(key)).await;
            let Written(rows) = deleted.map_err(write_error::<B>)?;
            is_done = rows > 0 && self.insert_row(&args).await?;
        }
        if !is_done {
            return Ok(InsertOutcome::Exists);
        }
        Ok(InsertOutcome::Done {
            snapshot: Snapshot::with_bytes(record.data.clone(), 1, fields),
            evicted: Vec::new(),
            ended: Vec::new(),
        })
    }

    /// Returns `false` if the id is in use.
    async fn insert_row(
        &self,
        args: &(impl Fn() -> Args<B::Db> + Send + Sync),
    ) -> Result<bool, StoreError> {
        let statement = &B::shared_statements(self).insert;
        match B::run::<Written>(self, statement, args).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.not_applied().is_some_and(B::is_duplicate) => Ok(false),
            Err(failure) if failure.not_applied().is_some_and(B::is_full) => Err(StoreError::Full),
            Err(failure) => Err(write_error::<B>(failure)),
        }
    }

    pub(crate) async fn load<D: SessionData>(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<Option<Record<D>>, StoreError> {
        let args = || {
            B::first_args(self)
                .key(key)
                .small(transport_code(request.transport))
                .bytes(request.secret.as_bytes())
        };
        for attempt in 1..=RETRIES {
            let read = self.read(&B::shared_statements(self).load, args).await?;
            let Some(Stored {
                state,
                now,
                data_version,
                fields,
            }) = read
            else {
                return Ok(None);
            };
            let Some(effects) = state.on_load(request, now) else {
                return Ok(None);
            };
            // Before anything is written: a session that cannot be read does not live longer.
            let snapshot = fields::read(fields, state.version, data_version, request.versions)?;
            if effects.is_empty() || B::refuses_writes(self) {
                return Ok(Some(state.record(snapshot, false)));
            }
            let mut after = state.clone();
            after.apply_load(effects, request, now);
            let (shown, is_offered) = match self.write_load(key, request, &state, &after).await {
                Ok(true) => (&after, effects.makes_offer()),
                // Another request promoted or rotated the secret, or the session ended.
                Ok(false) => continue,
                // The server that took over may have another version of the record.
                Err(failure)
                    if failure.not_applied().is_some_and(B::is_demoted) && attempt == 1 =>
                {
                    continue;
                }
                // What a replica or a database whose disk is full can read is served without the write.
                Err(failure) => {
                    if failure.not_applied().is_some_and(B::is_demoted) {
                        B::note_refused_write(self);
                    }
                    (&state, false)
                }
            };
            return Ok(Some(shown.record(snapshot, is_offered)));
        }
        Err(ContextError::new(format!(
            "other requests changed the session {RETRIES} times during one load"
        ))
        .into())
    }

    /// Writes the effects of a load, unless the secrets changed since the record was read. Returns
    /// whether it wrote.
    async fn write_load(
        &self,
        key: Key,
        request: &LoadRequest,
        before: &RecordState,
        after: &RecordState,
    ) -> Result<bool, StatementError> {
        let (offered, previous) = (&after.others.offered, &after.others.previous);
        let is_previous =
            before.secret.hash != request.secret && !before.others.is_offered(request.secret);
        let before_offer = before.others.offered.map(|offered| offered.hash);
        let args = || {
            B::first_args(self)
                .bytes(after.secret.hash.as_bytes())
                .number(to_i64(after.secret.since))
                .maybe_bytes(bytes_of(offered.as_ref().map(|offered| &offered.hash)))
                .maybe_number(offered.map(|offered| to_i64(offered.offered_at)))
                .maybe_number(offered.map(|offered| to_i64(offered.grace)))
                .maybe_bytes(bytes_of(previous.as_ref().map(|previous| &previous.hash)))
                .maybe_number(previous.map(|previous| to_i64(previous.valid_until)))
                .number(to_i64(after.expiry.idle_until))
                .key(key)
                .number(to_i64(before.stamp.epoch))
                .bytes(before.secret.hash.as_bytes())
                .maybe_bytes(bytes_of(before_offer.as_ref()))
                .flag(is_previous)
        };
        let statement = &B::shared_statements(self).write_load;
        let WrittenAfterRead(rows) = B::run(self, statement, args).await?;
        Ok(rows > 0)
    }

    pub(crate) async fn commit<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
    ) -> Result<CommitOutcome<D>, StoreError> {
        let fields = change
            .data
            .as_ref()
            .map(fields::after)
            .transpose()?
            .flatten();
        let subject = match change.identity.as_ref().map(|identity| &identity.login) {
            Some(LoginChange::Set(login)) => Some(&*login.subject),
            _ => None,
        };
        let new_fields = fields.as_deref().unwrap_or_default();
        self.check_size(new_fields, escaped_subject(subject).as_deref())?;
        let written = self.write_change(key, change, fields.as_deref()).await;
        if let Some(version) = written.map_err(write_error::<B>)? {
            let version = to_u64(version);
            let data = change.data.as_ref();
            let after = data.map(|data| data.snapshot_with_bytes(version, fields));
            return Ok(CommitOutcome::applied(after));
        }
        self.judge(key, change, fields.is_some()).await
    }

    /// Returns the version after the change; `None` if it was not applied.
    async fn write_change<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        fields: Option<&[u8]>,
    ) -> Result<Option<i64>, StatementError> {
        let statements = B::shared_statements(self);
        if let Some(data) = DataOnly::new(change, fields) {
            let args = || data.args(B::first_args(self), key);
            let Written(rows) = B::run(self, &statements.commit_data, args).await?;
            return Ok((rows > 0).then(|| data.version_after()));
        }
        let args = || change_args(B::first_args(self), key, change, fields);
        let Committed(version) = B::run(self, &statements.commit, args).await?;
        Ok(version)
    }

    /// The outcome of a change that was not applied. Whether the record still is what the statement
    /// found does not matter: the engine merges the change with what is read here.
    async fn judge<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        writes_data: bool,
    ) -> Result<CommitOutcome<D>, StoreError> {
        let statement = &B::shared_statements(self).select;
        let read = self
            .read(statement, || B::first_args(self).key(key))
            .await?;
        let Some(Stored {
            state,
            now,
            data_version,
            fields,
        }) = read
        else {
            return Ok(CommitOutcome::Ended);
        };
        let snapshot = || fields::read(fields, state.version, data_version, change.versions);
        Ok(match state.check(change, now, || false) {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::AlreadyApplied => {
                let data = change.data.as_ref();
                CommitOutcome::applied(data.map(|_| snapshot()).transpose()?)
            }
            Verdict::Conflict | Verdict::Apply => {
                if writes_data {
                    change.versions.check_writable(data_version)?;
                }
                let record = state.record(snapshot()?, false);
                CommitOutcome::Conflict(Box::new(record))
            }
        })
    }

    pub(crate) async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let statement = &B::shared_statements(self).destroy;
        let deleted: Result<Written, _> =
            B::run(self, statement, || B::first_args(self).key(key)).await;
        let Written(rows) = deleted.map_err(write_error::<B>)?;
        Ok(rows > 0)
    }

    pub(crate) async fn count(&self, namespace: &str) -> Result<u64, StoreError> {
        let namespace = namespace_number(namespace);
        let statement = &B::shared_statements(self).count;
        let rows: Result<Rows<B::Db>, _> =
            B::run(self, statement, || B::first_args(self).number(namespace)).await;
        let rows = rows.map_err(StatementError::into_read_error)?.0;
        rows.first()
            .map_or(Ok(0), |row| B::read_number(row).map(to_u64))
    }

    /// Refuses a session that the server does not accept in a statement: it would close the connection.
    fn check_size(&self, fields: &[u8], subject: Option<&str>) -> Result<(), StoreError> {
        let size = (fields.len() + subject.map_or(0, str::len)) as u64;
        match B::max_session_size(self) {
            Some(limit) if size > limit => Err(StoreError::Unstorable(
                ContextError::new(format!(
                    "the session has {size} bytes, more than the {limit} that the server accepts: raise its \
                     `max_allowed_packet`, or lower `max_size`"
                ))
                .into(),
            )),
            _ => Ok(()),
        }
    }

    /// Reads a record, and records the server's time.
    async fn read(
        &self,
        statement: &Arc<str>,
        args: impl Fn() -> Args<B::Db> + Send + Sync,
    ) -> Result<Option<Stored>, StoreError> {
        let rows: Result<Rows<B::Db>, _> = B::run(self, statement, args).await;
        let rows = rows.map_err(StatementError::into_read_error)?.0;
        let stored = rows.first().map(B::read).transpose()?;
        if let Some(stored) = &stored {
            B::observe(self, to_i64(stored.now));
        }
        Ok(stored)
    }
}

/// The error of an operation that writes.
fn write_error<B: Dialect>(failure: StatementError) -> StoreError {
    if failure.not_applied().is_some_and(B::is_unstorable) {
        return StoreError::Unstorable(failure.into_inner());
    }
    failure.into_write_error()
}

fn bytes_of(hash: Option<&SecretHash>) -> Option<&[u8]> {
    hash.map(|hash| &hash.as_bytes()[..])
}
