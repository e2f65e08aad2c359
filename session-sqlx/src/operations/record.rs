//! The operations on a record. Each is one statement, and a second one only where something is due or
//! a change was not applied. A login with terms may be a transaction.

use std::sync::Arc;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord, Snapshot};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::state::{RecordState, Verdict};
use connect_session_runtime::store::{
    CommitOutcome, InsertOutcome, LoadOutcome, LoginRefusal, StoreError,
};

use super::change::{
    DataOnly, LoginColumns, NewLoginColumns, base_version, change_args, noted_version,
};
use super::driver::WrittenAfterRead;
use super::login::{LoggedIn, Put};
use super::millis::to_millis;
use super::terms::Terms;
use super::values::namespace_number;
use super::{Committed, Dialect, OneRow, Written};
use crate::args::Args;
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64, transport_code};
use crate::error::{ContextError, StatementError};
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
        let first_use = record.first_use_timeout.map(to_millis);
        let idle_until = first_use.map_or(idle, |first_use| first_use.min(idle));
        let columns = NewLoginColumns::new(key, record);
        let args = |first: Args<B::Db>| {
            let args = first
                .key(key)
                .small(transport_code(record.transport))
                .bytes(&record.commit_id.to_bytes())
                .bytes(record.secret.as_bytes())
                .number(idle)
                .number(absolute)
                .number(idle_until)
                .number(absolute)
                .number(idle_until.min(absolute))
                .maybe_number(first_use)
                .maybe_number(noted_version(record.format.written))
                .bytes(&fields);
            match &columns {
                Some(columns) => columns.args(args),
                None => args,
            }
        };
        self.check_size(&fields, columns.as_ref().map_or(0, NewLoginColumns::size))?;
        let terms =
            (record.login.as_ref()).and_then(|login| Terms::new(key, login, record.commit_id));
        let insert = || self.insert_row(columns.is_some(), terms.as_ref(), &args);
        let mut put = insert().await?;
        if matches!(put, Put::InUse) {
            // Ids are random: one is only in use if it was chosen on purpose. It is free if its record
            // has ended.
            let delete = &B::shared_statements(self).delete_ended;
            let deleted = B::run(self, delete, || B::first_args(self).key(key)).await;
            let Written(rows) = deleted.map_err(write_error::<B>)?;
            if rows > 0 {
                put = insert().await?;
            }
        }
        Ok(match put {
            Put::InUse => InsertOutcome::Exists,
            Put::Refused(refusal) => InsertOutcome::Refused(refusal),
            Put::Done { ended } => InsertOutcome::Done {
                snapshot: Snapshot::with_bytes(record.data.clone(), 1, fields),
                evicted: Vec::new(),
                ended,
            },
        })
    }

    async fn insert_row(
        &self,
        has_login_columns: bool,
        terms: Option<&Terms>,
        args: &(impl Fn(Args<B::Db>) -> Args<B::Db> + Send + Sync),
    ) -> Result<Put, StoreError> {
        let statements = B::shared_statements(self);
        let inserted = if has_login_columns {
            self.log_in::<Written>(terms, &statements.insert_login, args)
                .await
        } else {
            let args = || args(B::first_args(self));
            let written = B::run(self, &statements.insert, args).await;
            written.map(LoggedIn::alone)
        };
        match inserted {
            Ok(LoggedIn::Answered { ended, .. }) => Ok(Put::Done { ended }),
            Ok(LoggedIn::Refused(refusal)) => Ok(Put::Refused(refusal)),
            Err(failure) if failure.not_applied().is_some_and(B::is_duplicate) => Ok(Put::InUse),
            Err(failure) if failure.not_applied().is_some_and(B::is_full) => Err(StoreError::Full),
            Err(failure) => Err(write_error::<B>(failure)),
        }
    }

    pub(crate) async fn load<D: SessionData>(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<LoadOutcome<D>, StoreError> {
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
                is_replaced,
            }) = read
            else {
                return Ok(LoadOutcome::Unknown);
            };
            let Some(effects) = state.on_load(request, now) else {
                // A tombstone has the secrets of the session.
                let is_told = is_replaced && state.load_view().is_opened_by(request, now);
                return Ok(if is_told {
                    LoadOutcome::Replaced
                } else {
                    state.not_found(request, now)
                });
            };
            // Before anything is written: a session that cannot be read does not live longer.
            let snapshot = fields::read(fields, state.version, data_version, request.format)?;
            if effects.is_empty() || B::refuses_writes(self) {
                return Ok(LoadOutcome::Found(state.record(snapshot, false)));
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
            return Ok(LoadOutcome::Found(shown.record(snapshot, is_offered)));
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
        let fields = match &change.data {
            Some(data) => fields::after(data, &change.format)?,
            None => None,
        };
        let login = LoginColumns::new(key, change);
        let new_fields = fields.as_deref().unwrap_or_default();
        self.check_size(new_fields, login.as_ref().map_or(0, LoginColumns::size))?;
        let written = self.write_change(key, change, fields.as_deref(), login.as_ref());
        let refusal = match written.await.map_err(write_error::<B>)? {
            LoggedIn::Answered {
                answer: Committed(Some(version)),
                ended,
            } => {
                let version = to_u64(version);
                let data = change.data.as_ref();
                let snapshot = data.map(|data| data.snapshot_with_bytes(version, fields));
                return Ok(CommitOutcome::Applied { snapshot, ended });
            }
            LoggedIn::Answered { .. } => None,
            LoggedIn::Refused(refusal) => Some(refusal),
        };
        self.judge(key, change, fields.is_some(), refusal).await
    }

    /// Returns the version after the change; `None` if it was not applied.
    async fn write_change<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        fields: Option<&[u8]>,
        login: Option<&LoginColumns<'_>>,
    ) -> Result<LoggedIn<Committed>, StatementError> {
        let statements = B::shared_statements(self);
        if let Some(data) = DataOnly::new(change, fields) {
            let args = || data.args(B::first_args(self), key);
            let Written(rows) = B::run(self, &statements.commit_data, args).await?;
            let version = (rows > 0).then(|| data.version_after());
            return Ok(LoggedIn::alone(Committed(version)));
        }
        let args = |first| change_args(first, key, change, fields, login);
        let Some(login) = login else {
            let own_args = || args(B::first_args(self));
            let committed = B::run(self, &statements.commit, own_args).await?;
            return Ok(LoggedIn::alone(committed));
        };
        let terms = login.terms(key, change.commit_id);
        (self.log_in(terms.as_ref(), &statements.commit_login, args)).await
    }

    /// The outcome of a change that was not applied. Whether the record still is what the statement
    /// found does not matter: the engine merges the change with what is read here. A refusal of its login is
    /// the outcome only if nothing else speaks against the change.
    async fn judge<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        writes_data: bool,
        refusal: Option<LoginRefusal>,
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
            ..
        }) = read
        else {
            return Ok(CommitOutcome::Ended);
        };
        let snapshot = || fields::read(fields, state.version, data_version, change.format);
        let base = base_version(change).filter(|_| writes_data);
        let is_current =
            || refusal.is_some() && base.is_none_or(|base| base == to_i64(state.version));
        Ok(match state.check(change, now, is_current) {
            Verdict::Ended => CommitOutcome::Ended,
            Verdict::AlreadyApplied => {
                let data = change.data.as_ref();
                CommitOutcome::applied(data.map(|_| snapshot()).transpose()?)
            }
            verdict @ (Verdict::Conflict | Verdict::Apply) => {
                if writes_data {
                    change.format.check_writable(data_version)?;
                }
                if let (Verdict::Apply, Some(refusal)) = (verdict, refusal) {
                    return Ok(CommitOutcome::Refused(refusal));
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
        let row: Result<OneRow<B::Db>, _> =
            B::run(self, statement, || B::first_args(self).number(namespace)).await;
        let row = row.map_err(StatementError::into_read_error)?.0;
        row.map_or(Ok(0), |row| B::read_number(&row).map(to_u64))
    }

    /// Refuses a session that the server does not accept in a statement: it would close the connection.
    fn check_size(&self, fields: &[u8], texts: usize) -> Result<(), StoreError> {
        let size = (fields.len() + texts) as u64;
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
        let row: Result<OneRow<B::Db>, _> = B::run(self, statement, args).await;
        let row = row.map_err(StatementError::into_read_error)?.0;
        let stored = row.as_ref().map(B::read).transpose()?;
        if let Some(stored) = &stored {
            B::observe(self, to_i64(stored.now));
        }
        Ok(stored)
    }
}

/// The error of an operation that writes.
pub(super) fn write_error<B: Dialect>(failure: StatementError) -> StoreError {
    if failure.not_applied().is_some_and(B::is_unstorable) {
        return StoreError::Unstorable(failure.into_inner());
    }
    failure.into_write_error()
}

fn bytes_of(hash: Option<&SecretHash>) -> Option<&[u8]> {
    hash.map(|hash| &hash.as_bytes()[..])
}
