//! Commits the changes of a request after its handler has returned.

use std::sync::Arc;

use super::Emission;
use super::load::{RenewalPolicy, load};
use super::session_core::{Emit, Finalize, FinalizeResult, Phase, SessionCore, SessionState};
use super::tracked_data::TrackedData;
use crate::config::{Commit, OnEnded, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::record::{Change, CommitId, DataChange, IdentityChange, NewRecord};

/// What to write, decided in one step while the state is locked.
pub(super) enum Plan<D> {
    Nothing,
    Insert(NewRecord<D>),
    Change(Change<D>),
    Ended,
}

impl<D> Plan<D> {
    /// The data to store.
    pub(super) fn data(&self) -> Option<&D> {
        match self {
            Self::Insert(record) => Some(&record.data),
            Self::Change(change) => change.data.as_ref().map(|change| &*change.data),
            Self::Nothing | Self::Ended => None,
        }
    }
}

impl<C: SessionConfig> Finalize for SessionCore<C> {
    fn finish(self: Arc<Self>, failed: bool) -> FinalizeResult {
        let failed = failed && self.options.commit != Commit::Always;
        // Usually the handler's session is dropped by now. If this is the last `Arc`, nothing can write
        // concurrently, so the write lock is not needed.
        let is_sole_owner = Arc::strong_count(&self) == 1;
        let mut state = self.state();
        if let Some(emission) = self.settle_without_write(&mut state, failed) {
            return FinalizeResult::Now(Ok(emission));
        }
        if !is_sole_owner {
            drop(state);
            return self.later(|core| async move {
                let _write_lock = core.lock_writes().await;
                let tracked = core.state().returned.take();
                let stored = core.persist(tracked).await;
                core.confirm(stored).await
            });
        }
        state.in_use = false;
        let mut tracked = state.returned.take();
        let plan = self.plan(&state, &mut tracked);
        drop(state);
        drop(tracked);
        match self.execute_sync(plan) {
            Ok(Some(pending)) => self.later(|core| async move {
                let stored = core.execute_pending(pending).await;
                core.confirm(stored).await
            }),
            Ok(None) => {
                let state = self.state();
                if state.offer.is_none() {
                    return FinalizeResult::Now(Ok(self.emission(&state)));
                }
                drop(state);
                self.later(|core| async move { core.confirm(Ok(())).await })
            }
            Err(error) => FinalizeResult::Now(self.to_emission(Err(error))),
        }
    }

    fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        state.returned = None;
        state.offer = None;
        state.forget_pending();
    }
}

impl<C: SessionConfig> SessionCore<C> {
    fn later<F>(self: Arc<Self>, finish: impl FnOnce(Arc<Self>) -> F) -> FinalizeResult
    where
        F: Future<Output = Result<Emission, Error>> + Send + 'static,
    {
        FinalizeResult::Later(Box::pin(finish(self.clone())), self)
    }

    /// The response headers, if nothing has to be written.
    fn settle_without_write(
        &self,
        state: &mut SessionState<C::Data>,
        failed: bool,
    ) -> Option<Emission> {
        state.closed = true;
        if failed {
            // A sid that `save` has already stored is sent nevertheless.
            state.returned = None;
            state.offer = None;
            state.forget_pending();
            return Some(self.emission(state));
        }
        let untouched = state.identity.is_none()
            && state.pending_lifetime.is_none()
            && state.offer.is_none()
            && !state.returned.as_ref().is_some_and(TrackedData::is_changed);
        match state.phase {
            Phase::New => None,
            Phase::Stored(_) if !untouched => None,
            Phase::Stored(_) | Phase::Ended { .. } => Some(self.emission(state)),
        }
    }

    /// The response headers after the write; sends an offered sid if it is still valid.
    async fn confirm(&self, stored: Result<(), Error>) -> Result<Emission, Error> {
        if stored.is_ok() {
            self.confirm_offer().await;
        }
        self.to_emission(stored)
    }

    fn to_emission(&self, stored: Result<(), Error>) -> Result<Emission, Error> {
        let is_ignored = |error: &Error| {
            error.kind() == ErrorKind::Ended && self.options.on_ended == OnEnded::Ignore
        };
        match stored {
            Err(error) if !is_ignored(&error) => {
                // The client gets the error and no new sid. A task that saves the session later must not
                // store that sid.
                self.state().forget_pending();
                Err(error)
            }
            _ => Ok(self.emission(&self.state())),
        }
    }

    /// Sends an offered sid only if the session still has the presented one: a concurrent login, logout
    /// or rotation invalidates the offer. If the store fails here, only the offer is lost.
    async fn confirm_offer(&self) {
        let (offer, sid) = {
            let mut state = self.state();
            let offer = (state.offer.take()).filter(|_| state.emit == Emit::Nothing);
            (offer, state.sid.presented())
        };
        let Some(offer) = offer else { return };
        let (store, transport) = (&self.store, self.transport());
        let found = load::<C>(store, self.options, &sid, transport, RenewalPolicy::Never).await;
        let mut state = self.state();
        if matches!(found, Ok(Some(found)) if found.epoch == state.epoch) {
            state.emit = Emit::Offer;
            state.offer = Some(offer);
        }
    }

    /// Decides what to write. Takes `tracked` only if it is written: otherwise the caller drops it after
    /// unlocking the state, because the drop may run user code.
    pub(super) fn plan(
        &self,
        state: &SessionState<C::Data>,
        tracked: &mut Option<TrackedData<C::Data>>,
    ) -> Plan<C::Data> {
        let max_size = self.options.encoded_limit();
        let changed = tracked.as_ref().is_some_and(TrackedData::is_changed);
        match &state.phase {
            Phase::New => {
                let lifetime = state.pending_lifetime.unwrap_or(state.lifetime);
                let data = tracked
                    .take()
                    .map_or_else(Arc::default, TrackedData::into_data);
                let record = NewRecord {
                    secret: state.current_sid().secret_hash(),
                    transport: self.transport(),
                    data,
                    subject: state.subject.clone(),
                    lifetime,
                    commit_id: CommitId::random(),
                    max_size,
                };
                Plan::Insert(record)
            }
            Phase::Ended { .. }
                if changed || state.identity.is_some() || state.pending_lifetime.is_some() =>
            {
                Plan::Ended
            }
            Phase::Ended { .. } => Plan::Nothing,
            Phase::Stored(base) => {
                let data = if state.resets() {
                    let data = tracked
                        .take()
                        .map_or_else(Arc::default, TrackedData::into_data);
                    Some(DataChange {
                        base: None,
                        data,
                        max_size,
                    })
                } else {
                    let changed = tracked.take_if(|tracked| tracked.is_changed());
                    changed.map(|tracked| DataChange {
                        base: Some(base.clone()),
                        data: tracked.into_data(),
                        max_size,
                    })
                };
                let change = Change {
                    commit_id: CommitId::random(),
                    epoch: state.epoch,
                    generation: state.generation,
                    data,
                    identity: state.identity.as_ref().map(|identity| IdentityChange {
                        secret: identity.sid.secret_hash(),
                        new_generation: identity.new_generation,
                        subject: identity.subject.clone(),
                    }),
                    lifetime: state.pending_lifetime,
                };
                if change.is_empty() {
                    Plan::Nothing
                } else {
                    Plan::Change(change)
                }
            }
        }
    }
}
