//! Sends changes to the store, and merges them with concurrent changes after a conflict.

use std::sync::Arc;
use std::time::Instant;

use super::SidTarget;
use super::commit::Plan;
use super::commit_queue::{self, Permit, WaitPolicy};
use super::ending::Undecodable;
use super::guards::GuardIndex;
use super::merging::merged;
use super::session_core::{Phase, SessionCore, SidToSend, deadlines};
use super::tracked_data::TrackedData;
use crate::config::{OnConflict, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::trace::{self, StoreCall};
use crate::event::{self, EventKind};
use crate::record::{Change, DataChange, LoginChange, NewRecord, Snapshot};
use crate::sid::SessionId;
use crate::store::{CommitOutcome, InsertOutcome, LoginRefusal, StoreError};

/// How often a change is sent before the request fails with [`ErrorKind::Contention`].
pub(super) const TRIES: usize = 32;

/// A write that has to be awaited.
pub(super) enum AwaitedWrite<D> {
    Insert(NewRecord<D>),
    /// A change, and its outcome if it was already sent.
    Change(Box<Change<D>>, Option<CommitOutcome<D>>),
}

impl<C: SessionConfig> SessionCore<C> {
    /// Stores a new session, or the changes of a stored one. The caller holds the write lock.
    pub(crate) async fn persist(
        &self,
        guard: GuardIndex,
        mut tracked: Option<TrackedData<C::Data>>,
    ) -> Result<(), Error> {
        if let Some(tracked) = &mut tracked {
            self.rebase(guard, tracked).await?;
        }
        let plan = self.plan(&self.state(), guard, &mut tracked);
        drop(tracked);
        match self.execute_sync(guard, plan)? {
            Some(pending) => self.execute_pending(guard, pending).await,
            None => Ok(()),
        }
    }

    /// Executes a plan as far as possible without waiting, and returns the rest. The caller holds the
    /// write lock or is the only owner of the session.
    pub(super) fn execute_sync(
        &self,
        guard: GuardIndex,
        plan: Plan<C::Data>,
    ) -> Result<Option<AwaitedWrite<C::Data>>, Error> {
        if let Some(data) = plan.data() {
            self.check_data(data)?;
        } else if let Plan::Change(change) = &plan
            && let Some(identity) = &change.identity
        {
            self.check_subject(identity)?;
        }
        match (plan, self.store.as_sync()) {
            (Plan::Nothing, _) => Ok(None),
            (Plan::Ended, _) => Err(self.mark_ended()),
            (Plan::Insert(record), Some(store)) => {
                let started = trace::started(self.options.on_event);
                let result = if trace::records_debug() {
                    trace::in_span(StoreCall::Commit, C::NAME, self.key.id, || {
                        store.insert(self.key, &record)
                    })
                } else {
                    store.insert(self.key, &record)
                };
                self.finish_insert(guard, &record, result, started)?;
                if let Some(replaced) = self.take_replaced() {
                    let ended = store.destroy(replaced.key());
                    // The new session is stored, so the response stands.
                    let _emitted = replaced.ended::<C>(ended);
                }
                Ok(None)
            }
            (Plan::Insert(record), None) => Ok(Some(AwaitedWrite::Insert(record))),
            (Plan::Change(change), Some(store)) if commit_queue::is_free(self.key) => {
                let started = trace::started(self.options.on_event);
                let result = if trace::records_debug() {
                    trace::in_span(StoreCall::Commit, C::NAME, self.key.id, || {
                        store.commit(self.key, &change)
                    })
                } else {
                    store.commit(self.key, &change)
                };
                match self.finish_commit(&change, result, started)? {
                    CommitOutcome::Applied { snapshot, .. } => {
                        self.record_applied(guard, &change, snapshot);
                        Ok(None)
                    }
                    CommitOutcome::Ended => Err(self.mark_ended()),
                    CommitOutcome::Refused(refusal) => {
                        Err(self.login_refused(change.new_subject(), refusal))
                    }
                    conflict @ CommitOutcome::Conflict(_) => {
                        Ok(Some(AwaitedWrite::Change(Box::new(change), Some(conflict))))
                    }
                }
            }
            (Plan::Change(change), _) => Ok(Some(AwaitedWrite::Change(Box::new(change), None))),
        }
    }

    pub(super) async fn execute_pending(
        &self,
        guard: GuardIndex,
        pending: AwaitedWrite<C::Data>,
    ) -> Result<(), Error> {
        match pending {
            AwaitedWrite::Insert(record) => self.insert(guard, record).await,
            AwaitedWrite::Change(change, known) => self.apply(guard, change, known).await,
        }
    }

    async fn insert(&self, guard: GuardIndex, record: NewRecord<C::Data>) -> Result<(), Error> {
        let started = trace::started_awaited(self.options.on_event);
        let result = if trace::records_debug() {
            let call = self.store.insert(self.key, &record);
            Box::pin(trace::in_span_awaited(
                StoreCall::Commit,
                C::NAME,
                self.key.id,
                call,
            ))
            .await
        } else {
            self.store.insert(self.key, &record).await
        };
        self.finish_insert(guard, &record, result, started)?;
        if let Some(replaced) = self.take_replaced() {
            // Boxed, because it is rare.
            let ended = Box::pin(self.store.destroy(replaced.key())).await;
            let _emitted = replaced.ended::<C>(ended);
        }
        Ok(())
    }

    /// The session that is to be ended after the insertion of this one.
    fn take_replaced(&self) -> Option<Box<Undecodable>> {
        self.state().replaces.take()
    }

    fn finish_insert(
        &self,
        guard: GuardIndex,
        record: &NewRecord<C::Data>,
        result: Result<InsertOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<(), Error> {
        let elapsed = started.map(|at| at.elapsed());
        match result.map_err(|error| self.store_failed("insert", error, elapsed))? {
            InsertOutcome::Done {
                snapshot,
                evicted,
                ended,
            } => {
                let mut state = self.state();
                state.phase = Phase::Stored(snapshot);
                state.set_lifetime(guard, record.lifetime);
                if let Some(label) = &record.label {
                    state.set_label(guard, label);
                }
                state.set_sid(guard, || self.store.now());
                state.sid_to_send = SidToSend::Current;
                state.deadlines = state.in_use.then(|| {
                    let now = self.store.now();
                    self.first_deadlines(now, record.lifetime)
                });
                drop(state);
                self.emit_event(EventKind::Created, elapsed);
                self.emit_events(&evicted, None, EventKind::Evicted);
                if let Some(login) = &record.login {
                    self.emit_login(&login.subject, &ended);
                }
                Ok(())
            }
            InsertOutcome::Refused(refusal) => {
                // A task that owns the session must not store it without the login.
                if !self.state().guards.are_many() {
                    self.discard_unsaved();
                }
                let subject = record.login.as_ref().map(|login| &*login.subject);
                Err(self.login_refused(subject, refusal))
            }
            // Two ids collided: the same 62 random bits in the same quarter of a microsecond. If the
            // client tries again, it gets another id.
            InsertOutcome::Exists => Err(Error::of(ErrorKind::Contention)),
        }
    }

    /// Sends a change, unless its outcome is already known. After each conflict, merges it with the
    /// current record and sends it again.
    async fn apply(
        &self,
        guard: GuardIndex,
        mut change: Box<Change<C::Data>>,
        mut known: Option<CommitOutcome<C::Data>>,
    ) -> Result<(), Error> {
        let mut overwritten = Vec::new();
        let mut permit = match known {
            Some(_) => None,
            None => commit_queue::acquire_if_contended(self.key, self.wait_policy()).await?,
        };
        if let Some(data) = &mut change.data
            && let Some(base) = &data.base
            && let Some(latest) = self.handed_over(permit.as_ref(), base, change.generation)
        {
            overwritten.extend(self.merge(data, latest).await?);
        }
        // Once, because in memory another try takes less time than a wait for the others.
        let mut tries_at_once = self.store.as_sync().is_some();
        for _ in 0..TRIES {
            let committed = match known.take() {
                Some(committed) => committed,
                None => self.send(&change).await?,
            };
            match committed {
                CommitOutcome::Applied { snapshot, .. } => {
                    self.hand_over(permit.as_mut(), &change, snapshot.as_ref());
                    self.record_applied(guard, &change, snapshot);
                    self.emit_overwritten(overwritten);
                    return Ok(());
                }
                CommitOutcome::Ended => return Err(self.mark_ended()),
                CommitOutcome::Refused(refusal) => {
                    return Err(self.login_refused(change.new_subject(), refusal));
                }
                CommitOutcome::Conflict(record) => {
                    if change.identity.is_some() && record.epoch != change.epoch {
                        return Err(Error::of(ErrorKind::Superseded));
                    }
                    let mut theirs = record.snapshot;
                    if permit.is_none()
                        && !std::mem::take(&mut tries_at_once)
                        && self.wait_for_permit(&mut permit).await?
                    {
                        // Others committed during the wait.
                        match self.handed_over(permit.as_ref(), &theirs, change.generation) {
                            Some(latest) => theirs = latest,
                            None => continue,
                        }
                    }
                    match &mut change.data {
                        Some(data) => overwritten.extend(self.merge(data, theirs).await?),
                        None => return Err(Error::of(ErrorKind::Contention)),
                    }
                }
            }
        }
        Err(Error::of(ErrorKind::Contention))
    }

    /// Merges a change with newer data, which becomes its base. Returns the overwritten fields.
    async fn merge(
        &self,
        change: &mut DataChange<C::Data>,
        theirs: Snapshot<C::Data>,
    ) -> Result<Vec<String>, Error> {
        let Some(base) = change.base.take() else {
            return Err(Error::of(ErrorKind::Contention));
        };
        let merged = merged::<C>(base.data, change.data.clone(), theirs.data.clone()).await;
        let overwritten = self.check_conflicts(merged.overwritten)?;
        self.check_data(&merged.data)?;
        change.data = Arc::new(merged.data);
        change.base = Some(theirs);
        Ok(overwritten)
    }

    /// Waits for a permit of the commit queue. Returns whether another request held it.
    pub(super) async fn wait_for_permit(&self, permit: &mut Option<Permit>) -> Result<bool, Error> {
        let (taken, waited) = commit_queue::acquire(self.key, self.wait_policy()).await?;
        *permit = Some(taken);
        Ok(waited)
    }

    pub(super) fn wait_policy(&self) -> WaitPolicy {
        if self.store.is_serializing() {
            WaitPolicy::Sleep
        } else {
            WaitPolicy::Spin
        }
    }

    pub(super) fn emit_overwritten(&self, mut fields: Vec<String>) {
        if !fields.is_empty() {
            fields.sort_unstable();
            fields.dedup();
            self.emit_event(EventKind::Overwritten { fields: &fields }, None);
        }
    }

    /// Fails if a merge overwrote fields and the config rejects that; otherwise returns the fields.
    pub(super) fn check_conflicts(&self, overwritten: Vec<String>) -> Result<Vec<String>, Error> {
        if !overwritten.is_empty() && self.options.on_conflict == OnConflict::Reject {
            return Err(Error::of(ErrorKind::Conflict));
        }
        Ok(overwritten)
    }

    /// Sends a change once, and emits its event.
    pub(super) async fn send(
        &self,
        change: &Change<C::Data>,
    ) -> Result<CommitOutcome<C::Data>, Error> {
        let started = trace::started_awaited(self.options.on_event);
        let result = if trace::records_debug() {
            let call = self.store.commit(self.key, change);
            Box::pin(trace::in_span_awaited(
                StoreCall::Commit,
                C::NAME,
                self.key.id,
                call,
            ))
            .await
        } else {
            self.store.commit(self.key, change).await
        };
        self.finish_commit(change, result, started)
    }

    /// Emits the event of a commit and converts its result. A conflict with the change's own commit id
    /// means that the change was already applied.
    fn finish_commit(
        &self,
        change: &Change<C::Data>,
        result: Result<CommitOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<CommitOutcome<C::Data>, Error> {
        let elapsed = started.map(|at| at.elapsed());
        let committed = match result.map_err(|error| self.store_failed("commit", error, elapsed))? {
            CommitOutcome::Conflict(record) if record.commit_id == change.commit_id => {
                CommitOutcome::Applied {
                    snapshot: change.data.is_some().then_some(record.snapshot),
                    ended: Vec::new(),
                }
            }
            committed => committed,
        };
        match &committed {
            CommitOutcome::Applied { ended, .. } => {
                if !change.is_empty() {
                    self.emit_event(EventKind::Committed, elapsed);
                }
                if let Some(identity) = &change.identity {
                    self.emit_identity(&identity.login, ended);
                }
            }
            CommitOutcome::Conflict(_) => self.emit_event(EventKind::Conflict, elapsed),
            CommitOutcome::Ended | CommitOutcome::Refused(_) => {}
        }
        Ok(committed)
    }

    /// Emits the events of a stored change of the sid.
    fn emit_identity(&self, change: &LoginChange, ended: &[SessionId]) {
        match change {
            LoginChange::Set(login) => self.emit_login(&login.subject, ended),
            LoginChange::Authenticate { .. } => {
                let login = self.state().login.clone();
                let subject = login.as_ref().map(|login| &*login.subject);
                self.emit_event_of_user(subject, EventKind::Reauthenticated, None);
            }
            LoginChange::Keep => self.emit_event(EventKind::Rotated, None),
            LoginChange::Clear => self.emit_event(EventKind::Reset, None),
        }
    }

    /// Emits the events of a stored login, and of the sessions that it ended.
    fn emit_login(&self, subject: &str, ended: &[SessionId]) {
        self.emit_event_of_user(Some(subject), EventKind::LoggedIn, None);
        self.emit_events(ended, Some(subject), EventKind::Replaced);
    }

    /// Emits an event of each of these sessions.
    fn emit_events(&self, ids: &[SessionId], subject: Option<&str>, kind: EventKind<'_>) {
        let listener = self.options.on_event;
        for id in ids {
            event::emit_of_user(listener, C::NAME, Some(*id), subject, kind, None);
        }
    }

    /// The error for a login that the store has refused.
    fn login_refused(&self, subject: Option<&str>, refusal: LoginRefusal) -> Error {
        self.emit_event_of_user(subject, EventKind::LoginRefused { refusal }, None);
        Error::of(match refusal {
            LoginRefusal::Revoked => ErrorKind::LoginRevoked,
            LoginRefusal::TooManySessions => ErrorKind::TooManySessions,
        })
    }

    /// Updates the state after a change was applied. Returns the data that is now stored, if it was
    /// changed.
    pub(super) fn record_applied(
        &self,
        guard: GuardIndex,
        change: &Change<C::Data>,
        snapshot: Option<Snapshot<C::Data>>,
    ) -> Option<Arc<C::Data>> {
        let mut state = self.state();
        let lifetime = change.lifetime.unwrap_or(state.lifetime);
        let generation = change.generation_after();
        let restarts = change.lifetime.is_some() || generation != change.generation;
        // Does not read the clock if nothing needs the deadlines.
        if let Some(known) = state.deadlines.filter(|_| restarts || state.in_use) {
            let now = self.store.now();
            let mut after = deadlines(known.created_at, now, lifetime);
            if !restarts {
                after.absolute_until = known.absolute_until;
            }
            state.deadlines = Some(self.until_first_use(known, after));
        }
        let data = snapshot.map(|snapshot| {
            let data = snapshot.data.clone();
            state.phase = Phase::Stored(snapshot);
            data
        });
        if change.identity.is_some() {
            state.epoch += 1;
            state.generation = generation;
            state.set_sid(guard, || self.store.now());
            state.sid_to_send = SidToSend::Current;
        }
        if let Some(label) = &change.label {
            state.set_label(guard, label);
        }
        if let Some(lifetime) = change.lifetime {
            state.set_lifetime(guard, lifetime);
            // The `Max-Age` of a cookie depends on the lifetime.
            if matches!(self.target, SidTarget::Cookie(..)) {
                state.sid_to_send = SidToSend::Current;
            }
        }
        data
    }
}
