//! Sending a change to the store, and merging it with what other requests did meanwhile.

use std::sync::Arc;
use std::time::Instant;

use super::commit::Plan;
use super::commit_queue::{self, Permit, SpinPolicy};
use super::merging::merged;
use super::session_core::{Emit, Phase, SessionCore, deadlines};
use super::tracked_data::TrackedData;
use crate::config::{OnConflict, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::trace::{self, StoreCall};
use crate::event::{self, EventKind};
use crate::loader::EmitTarget;
use crate::record::{Change, DataChange, Deadlines, NewRecord, Snapshot};
use crate::store::{CommitOutcome, InsertOutcome, StoreError};

/// How often a change is tried before the client is told to come back.
pub(super) const TRIES: usize = 32;

/// What is left to be stored where that has to wait.
pub(super) enum PendingWrite<D> {
    Insert(NewRecord<D>),
    /// A change, and what came of it if it was sent before.
    Change(Box<Change<D>>, Option<CommitOutcome<D>>),
}

impl<C: SessionConfig> SessionCore<C> {
    /// Stores a new session, or what has changed of a stored one. `order` is held.
    pub(crate) async fn persist(
        &self,
        mut tracked: Option<TrackedData<C::Data>>,
    ) -> Result<(), Error> {
        let plan = self.plan(&self.state(), &mut tracked);
        drop(tracked);
        match self.execute_sync(plan)? {
            Some(rest) => self.execute_pending(rest).await,
            None => Ok(()),
        }
    }

    /// Carries a plan out as far as nothing has to be waited for; what is left then. `order` is
    /// held, or nobody else has the session.
    pub(super) fn execute_sync(
        &self,
        plan: Plan<C::Data>,
    ) -> Result<Option<PendingWrite<C::Data>>, Error> {
        if let Some(data) = plan.data() {
            self.check_data(data)?;
        }
        match (plan, self.store.as_sync()) {
            (Plan::Nothing, _) => Ok(None),
            (Plan::Ended, _) => Err(self.ended()),
            (Plan::Insert(record), Some(store)) => {
                let started = trace::started(self.options.on_event);
                let result = if trace::records_debug() {
                    trace::in_span(StoreCall::Commit, C::NAME, self.key.id, || {
                        store.insert(self.key, &record)
                    })
                } else {
                    store.insert(self.key, &record)
                };
                self.inserted(&record, result, started)?;
                Ok(None)
            }
            (Plan::Insert(record), None) => Ok(Some(PendingWrite::Insert(record))),
            (Plan::Change(change), Some(store)) if commit_queue::is_free(self.key.id) => {
                let started = trace::started(self.options.on_event);
                let result = if trace::records_debug() {
                    trace::in_span(StoreCall::Commit, C::NAME, self.key.id, || {
                        store.commit(self.key, &change)
                    })
                } else {
                    store.commit(self.key, &change)
                };
                match self.sent(&change, result, started)? {
                    CommitOutcome::Applied(snapshot) => {
                        self.applied(&change, snapshot);
                        Ok(None)
                    }
                    CommitOutcome::Ended => Err(self.ended()),
                    conflict @ CommitOutcome::Conflict(_) => {
                        Ok(Some(PendingWrite::Change(Box::new(change), Some(conflict))))
                    }
                }
            }
            (Plan::Change(change), _) => Ok(Some(PendingWrite::Change(Box::new(change), None))),
        }
    }

    pub(super) async fn execute_pending(&self, rest: PendingWrite<C::Data>) -> Result<(), Error> {
        match rest {
            PendingWrite::Insert(record) => self.insert(record).await,
            PendingWrite::Change(change, known) => self.apply(change, known).await,
        }
    }

    async fn insert(&self, record: NewRecord<C::Data>) -> Result<(), Error> {
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
        self.inserted(&record, result, started)
    }

    fn inserted(
        &self,
        record: &NewRecord<C::Data>,
        result: Result<InsertOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<(), Error> {
        let elapsed = started.map(|at| at.elapsed());
        match result.map_err(|error| self.failed("insert", error, elapsed))? {
            InsertOutcome::Done { snapshot, evicted } => {
                let mut state = self.state();
                state.phase = Phase::Stored(snapshot);
                state.set_lifetime(record.lifetime);
                state.emit = Emit::Sid;
                state.deadlines = state.in_use.then(|| {
                    let now = self.store.now();
                    deadlines(now, now, record.lifetime)
                });
                drop(state);
                self.emit_event(EventKind::Created, elapsed);
                for id in evicted {
                    event::emit(
                        self.options.on_event,
                        C::NAME,
                        Some(id),
                        EventKind::Evicted,
                        None,
                    );
                }
                Ok(())
            }
            // 62 random bits and a quarter of a microsecond met: the next try has another id.
            InsertOutcome::Exists => Err(Error::new(ErrorKind::Contention)),
        }
    }

    /// Sends a change, unless what came of it is known, and merges it with what others did until it
    /// is applied.
    async fn apply(
        &self,
        mut change: Box<Change<C::Data>>,
        mut known: Option<CommitOutcome<C::Data>>,
    ) -> Result<(), Error> {
        let mut overwritten = Vec::new();
        let mut permit = match known {
            Some(_) => None,
            None => commit_queue::first(self.key.id, self.spin_policy()).await,
        };
        for _ in 0..TRIES {
            let committed = match known.take() {
                Some(committed) => committed,
                None => self.send(&change).await?,
            };
            match committed {
                CommitOutcome::Applied(snapshot) => {
                    self.applied(&change, snapshot);
                    self.emit_overwritten(overwritten);
                    return Ok(());
                }
                CommitOutcome::Ended => return Err(self.ended()),
                CommitOutcome::Conflict(record) => {
                    if change.identity.is_some() && record.epoch != change.epoch {
                        return Err(Error::new(ErrorKind::Superseded));
                    }
                    // What others commit meanwhile is newer than this record.
                    if permit.is_none() && self.wait_for_permit(&mut permit).await {
                        continue;
                    }
                    let Some(DataChange {
                        base: Some(base),
                        data,
                        max_size,
                    }) = change.data.take()
                    else {
                        return Err(Error::new(ErrorKind::Contention));
                    };
                    let theirs = record.snapshot.data.clone();
                    let merged = merged::<C>(base.data, data, theirs).await;
                    overwritten.extend(self.check_conflicts(merged.overwritten)?);
                    self.check_data(&merged.data)?;
                    change.data = Some(DataChange {
                        base: Some(record.snapshot),
                        data: Arc::new(merged.data),
                        max_size,
                    });
                }
            }
        }
        Err(Error::new(ErrorKind::Contention))
    }

    /// Waits for a turn; whether others had theirs meanwhile.
    pub(super) async fn wait_for_permit(&self, permit: &mut Option<Permit>) -> bool {
        let (taken, waited) = commit_queue::again(self.key.id, self.spin_policy()).await;
        *permit = Some(taken);
        waited
    }

    pub(super) fn spin_policy(&self) -> SpinPolicy {
        if self.store.is_serializing() {
            SpinPolicy::Long
        } else {
            SpinPolicy::Short
        }
    }

    pub(super) fn emit_overwritten(&self, mut fields: Vec<String>) {
        if !fields.is_empty() {
            fields.sort_unstable();
            fields.dedup();
            self.emit_event(EventKind::Overwritten { fields: &fields }, None);
        }
    }

    /// Whether a merge that lost a change may be written.
    pub(super) fn check_conflicts(&self, overwritten: Vec<String>) -> Result<Vec<String>, Error> {
        if !overwritten.is_empty() && self.options.on_conflict == OnConflict::Reject {
            return Err(Error::new(ErrorKind::Conflict));
        }
        Ok(overwritten)
    }

    /// Sends a change once.
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
        self.sent(change, result, started)
    }

    /// A conflict that shows the change's own id is a change that is applied.
    fn sent(
        &self,
        change: &Change<C::Data>,
        result: Result<CommitOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<CommitOutcome<C::Data>, Error> {
        let elapsed = started.map(|at| at.elapsed());
        let committed = match result.map_err(|error| self.failed("commit", error, elapsed))? {
            CommitOutcome::Conflict(record) if record.commit_id == change.commit_id => {
                CommitOutcome::Applied(change.data.is_some().then_some(record.snapshot))
            }
            committed => committed,
        };
        match &committed {
            CommitOutcome::Applied(_) => self.emit_event(EventKind::Committed, elapsed),
            CommitOutcome::Conflict(_) => self.emit_event(EventKind::Conflict, elapsed),
            CommitOutcome::Ended => {}
        }
        Ok(committed)
    }

    /// Takes note of it; the data as it is stored now, if that was changed.
    pub(super) fn applied(
        &self,
        change: &Change<C::Data>,
        snapshot: Option<Snapshot<C::Data>>,
    ) -> Option<Arc<C::Data>> {
        let mut state = self.state();
        let lifetime = change.lifetime.unwrap_or(state.lifetime);
        let logged_in = (change.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        let begins_anew = change.lifetime.is_some() || logged_in;
        // Mostly nobody asks any more, and the clock need not be read.
        if let Some(known) = state.deadlines.filter(|_| begins_anew || state.in_use) {
            let now = self.store.now();
            state.deadlines = Some(if begins_anew {
                deadlines(known.created_at, now, lifetime)
            } else {
                Deadlines {
                    idle_until: now + lifetime.idle(),
                    ..known
                }
            });
        }
        let data = snapshot.map(|snapshot| {
            let data = snapshot.data.clone();
            state.phase = Phase::Stored(snapshot);
            data
        });
        if let Some(identity) = &change.identity {
            state.epoch += 1;
            state.generation += u64::from(identity.new_generation);
            state.sid = state.current_sid();
            state.emit = Emit::Sid;
            state.identity = None;
        }
        if let Some(lifetime) = change.lifetime {
            state.set_lifetime(lifetime);
            // A cookie that outlives the browser says how long.
            if matches!(self.target, EmitTarget::Cookie(spec) if spec.persistent) {
                state.emit = Emit::Sid;
            }
        }
        data
    }
}
