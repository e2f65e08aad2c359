//! Commits the changes of a request after its handler has returned.

use std::sync::{Arc, MutexGuard};

use super::SessionHeaders;
use super::guards::{Creation, GuardIndex};
use super::load::{LoadPolicy, LoadResult, Loaded, load};
use super::session_core::{Phase, SessionCore, SessionState, SidToSend};
use super::tracked_data::TrackedData;
use crate::config::{Commit, OnEnded, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::record::{
    Change, CommitId, DataChange, IdentityChange, LoadRequest, NewRecord, Renewal,
};
use crate::sid::HashedSid;
use crate::store::BoxFuture;

/// What a guard commits: a session of any config, or none.
pub(crate) trait Committable: Send + Sync {
    /// Commits the changes of a guard. If its handler failed, discards them, except with
    /// `commit: always`.
    fn commit(self: Arc<Self>, guard: GuardIndex, failed: bool) -> CommitProgress;

    /// Discards the uncommitted changes of a guard, because the request was cancelled or the handler
    /// panicked.
    fn abandon(&self, guard: GuardIndex);
}

/// A commit that has started.
pub(crate) enum CommitProgress {
    Finished(CommitResult),
    /// A commit to await, and the session to abandon if the future is dropped before it is ready.
    Pending(BoxFuture<'static, CommitResult>, Arc<dyn Committable>),
}

pub(crate) type CommitResult = Result<SessionHeaders, Box<FailedCommit>>;

/// A commit that failed. Its response may still have to carry a sid or clear a cookie, because of earlier
/// changes that the request has stored.
pub(crate) struct FailedCommit {
    pub(crate) error: Error,
    pub(crate) headers: SessionHeaders,
}

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

impl<C: SessionConfig> Committable for SessionCore<C> {
    fn commit(self: Arc<Self>, guard: GuardIndex, failed: bool) -> CommitProgress {
        let failed = failed && self.options.commit != Commit::Always;
        // Usually the handler's session is dropped by now. If this is the last `Arc`, nothing can write
        // concurrently, so the write lock is not needed.
        let is_sole_owner = Arc::strong_count(&self) == 1;
        let mut state = self.state();
        if matches!(state.phase, Phase::New) && state.guards.get(guard).creation != Creation::Always
        {
            state = self.forget_equal_data(state, guard);
        }
        if let Some(headers) = self.close_guard(&mut state, guard, failed) {
            if let Some(returned) = state.guards.get_mut(guard).returned.take() {
                drop(state);
                if !failed && returned.is_changed() {
                    // Another guard of this request ended the session.
                    self.emit_event(EventKind::DroppedUnsaved, None);
                }
            }
            return CommitProgress::Finished(Ok(headers));
        }
        if !is_sole_owner || state.guards.are_many() {
            drop(state);
            return self.later(move |core| async move {
                let tracked = core.state().guards.get_mut(guard).returned.take();
                let write_lock = core.lock_writes().await;
                let stored = match &write_lock {
                    Ok(_) => core.persist(guard, tracked).await,
                    Err(error) => Err(Error::of(error.kind())),
                };
                core.confirm(guard, stored).await
            });
        }
        state.in_use = false;
        let mut tracked = state.guards.get_mut(guard).returned.take();
        let plan = self.plan(&state, guard, &mut tracked);
        drop(state);
        drop(tracked);
        match self.execute_sync(guard, plan) {
            Ok(Some(pending)) => self.later(move |core| async move {
                let stored = core.execute_pending(guard, pending).await;
                core.confirm(guard, stored).await
            }),
            Ok(None) => {
                let state = self.state();
                if state.offer.is_none() {
                    return CommitProgress::Finished(Ok(self.headers(guard, &state)));
                }
                drop(state);
                self.later(move |core| async move { core.confirm(guard, Ok(())).await })
            }
            Err(error) => CommitProgress::Finished(self.headers_or_error(guard, Err(error))),
        }
    }

    fn abandon(&self, guard: GuardIndex) {
        let mut state = self.state();
        state.guards.get_mut(guard).closed = true;
        if state.guards.is_outermost(guard) {
            state.offer = None;
        }
        let pending = state.guards.get_mut(guard);
        pending.discard_all_but_data();
        let returned = pending.returned.take();
        drop(state);
        drop(returned);
    }
}

impl<C: SessionConfig> SessionCore<C> {
    fn later<F>(self: Arc<Self>, finish: impl FnOnce(Arc<Self>) -> F) -> CommitProgress
    where
        F: Future<Output = CommitResult> + Send + 'static,
    {
        CommitProgress::Pending(Box::pin(finish(self.clone())), self)
    }

    /// Counts the data of an unsaved session as unchanged if it encodes as before. Meanwhile the state is
    /// unlocked, because the encoding runs user code.
    #[cold]
    fn forget_equal_data<'a>(
        &'a self,
        mut state: MutexGuard<'a, SessionState<C>>,
        guard: GuardIndex,
    ) -> MutexGuard<'a, SessionState<C>> {
        let returned = &mut state.guards.get_mut(guard).returned;
        let Some(mut returned) = returned.take_if(|returned| returned.is_changed()) else {
            return state;
        };
        drop(state);
        if !returned.encodes_differently() {
            returned = returned.reverted();
        }
        let mut state = self.state();
        // The handler has returned its session once and has no other.
        state.guards.get_mut(guard).returned = Some(returned);
        state
    }

    /// Closes a guard. Returns the response headers unless the store has to be called.
    fn close_guard(
        &self,
        state: &mut SessionState<C>,
        guard: GuardIndex,
        failed: bool,
    ) -> Option<SessionHeaders> {
        state.guards.get_mut(guard).closed = true;
        let sends_offer = state.offer.is_some() && state.guards.is_outermost(guard);
        if failed {
            // A sid that is already stored, by `save` or by another guard, is still sent. So is the one of an
            // adopted session: whether a handler fails does not matter to the client's cookies.
            if sends_offer && state.adopted.is_none() {
                state.offer = None;
            } else if sends_offer && state.sid_to_send == SidToSend::None {
                state.sid_to_send = SidToSend::Offered;
            }
            state.guards.get_mut(guard).discard_all_but_data();
            return Some(self.headers(guard, state));
        }
        let pending = state.guards.get(guard);
        let untouched = pending.has_only_data()
            && !pending
                .returned
                .as_ref()
                .is_some_and(TrackedData::is_changed);
        match state.phase {
            Phase::New if self.is_discarded => Some(self.headers(guard, state)),
            Phase::New if untouched && pending.creation != Creation::Always => {
                Some(self.headers(guard, state))
            }
            Phase::New => None,
            Phase::Stored(_) if !untouched || sends_offer => None,
            Phase::Stored(_) | Phase::Ended { .. } => Some(self.headers(guard, state)),
        }
    }

    /// The response headers after the write; sends an offered sid if it is still valid.
    async fn confirm(&self, guard: GuardIndex, stored: Result<(), Error>) -> CommitResult {
        if stored.is_ok() {
            self.confirm_offer(guard).await;
        }
        self.headers_or_error(guard, stored)
    }

    fn headers_or_error(&self, guard: GuardIndex, stored: Result<(), Error>) -> CommitResult {
        let is_ignored = |error: &Error| {
            error.kind() == ErrorKind::Ended && self.options.on_ended == OnEnded::Ignore
        };
        match stored {
            Err(error) if !is_ignored(&error) => {
                // The client does not get the sid that was not stored, and a task that saves the session
                // later must not store it either.
                let mut state = self.state();
                state.guards.get_mut(guard).discard_all_but_data();
                let headers = self.headers(guard, &state);
                Err(Box::new(FailedCommit { error, headers }))
            }
            _ => Ok(self.headers(guard, &self.state())),
        }
    }

    /// Sends an offered sid only if the session still has the presented one: a concurrent login, logout
    /// or rotation invalidates the offer. If the store fails here, only the offer is lost.
    async fn confirm_offer(&self, guard: GuardIndex) {
        let (offer, sid, again) = {
            let mut state = self.state();
            if !state.guards.is_outermost(guard) {
                return;
            }
            let offer = (state.offer.take()).filter(|_| state.sid_to_send == SidToSend::None);
            let Some(offer) = offer else { return };
            let adopted = state.adopted.as_ref();
            let again = adopted.map(|adopted| adopted.renew_offer(&offer));
            (offer, state.hashed_sid(), again)
        };
        let (store, transport) = (&self.store, self.transport());
        let policy = LoadPolicy::without_renewal(self.options.on_undecodable);
        let found = match again {
            None => load::<C>(store, self.options, sid, transport, policy).await,
            Some(renewal) => self.offer_again(sid, renewal).await,
        };
        let mut state = self.state();
        if matches!(found, Ok(Some(found)) if found.epoch == state.epoch) {
            state.sid_to_send = SidToSend::Offered;
            state.offer = Some(offer);
        }
    }

    /// Offers the sid of an adopted session once more, right before the response is sent: another request with
    /// the old cookie may have been offered one during a slow handler. `None` if the client has used that
    /// one.
    async fn offer_again(&self, sid: HashedSid, renewal: Renewal) -> LoadResult<C::Data> {
        let request = LoadRequest {
            secret: sid.secret,
            transport: self.transport(),
            touch_every: self.options.touch_every,
            renewal: Some(renewal),
            format: self.options.data_format(),
        };
        let loaded = self.store.load(self.key, &request).await;
        let loaded = loaded.map_err(|error| self.store_failed("load", error, None))?;
        let renewed = loaded.found().filter(|record| record.renewed);
        Ok(renewed.map(|record| Loaded::new(record, None)))
    }

    pub(super) fn new_commit_id(&self) -> CommitId {
        if self.store.is_serializing() {
            CommitId::random()
        } else {
            CommitId::random_in_process()
        }
    }

    /// Decides what to write. Takes `tracked` only if it is written: otherwise the caller drops it after
    /// unlocking the state, because the drop may run user code.
    pub(super) fn plan(
        &self,
        state: &SessionState<C>,
        guard: GuardIndex,
        tracked: &mut Option<TrackedData<C::Data>>,
    ) -> Plan<C::Data> {
        let pending = state.guards.get(guard);
        let max_size = match &pending.sid_change {
            None => self.limit_beside(state.login.as_deref()),
            Some(change) => {
                let login = change.login.apply(state.login.clone(), self.store.now());
                self.limit_beside(login.as_deref())
            }
        };
        let changed = tracked.as_ref().is_some_and(TrackedData::is_changed);
        match &state.phase {
            Phase::New if self.is_discarded => Plan::Nothing,
            Phase::New => {
                let lifetime = pending.lifetime.unwrap_or(state.lifetime);
                let sid = (pending.sid_change.as_ref()).map_or(state.sid, |change| change.sid);
                let data = match tracked.take() {
                    Some(tracked) => tracked.into_data(),
                    None => state.initial.clone().unwrap_or_default(),
                };
                let record = NewRecord {
                    secret: sid.secret_hash(),
                    transport: self.transport(),
                    data,
                    login: pending.new_login(|| self.store.now()),
                    label: pending.new_label(),
                    lifetime,
                    first_use_timeout: self.options.first_use_timeout,
                    commit_id: self.new_commit_id(),
                    max_size,
                    format: self.options.data_format(),
                };
                Plan::Insert(record)
            }
            Phase::Ended { .. } if changed || !pending.has_only_data() => Plan::Ended,
            Phase::Ended { .. } => Plan::Nothing,
            Phase::Stored(base) => {
                let data = if pending.resets() {
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
                    commit_id: self.new_commit_id(),
                    epoch: state.epoch,
                    generation: state.generation,
                    data,
                    identity: pending.sid_change.as_ref().map(|change| IdentityChange {
                        secret: change.sid.secret_hash(),
                        new_generation: change.new_generation,
                        login: change.login_at(|| self.store.now()),
                    }),
                    lifetime: pending.lifetime,
                    format: self.options.data_format(),
                    label: pending.label.clone(),
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
