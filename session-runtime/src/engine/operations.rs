//! The operations that call the store while the handler runs: update, reload, destroy.

use std::sync::Arc;

use super::apply::TRIES;
use super::commit_queue;
use super::guards::{Creation, GuardIndex};
use super::load::{LoadPolicy, load, or_none};
use super::merging::merged;
use super::session_core::{Phase, SessionCore, SidToSend};
use super::tracked_data::TrackedData;
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::event::trace::{self, StoreCall};
use crate::record::{Change, DataChange, Snapshot};
use crate::sid::HashedSid;
use crate::store::CommitOutcome;

impl<C: SessionConfig> SessionCore<C> {
    /// Runs `change` on the committed data and commits the result; after a conflict, tries again.
    /// Rebases the pending changes in `tracked` on the result. The caller holds the write lock.
    pub(crate) async fn update<R>(
        &self,
        guard: GuardIndex,
        mut base: Snapshot<C::Data>,
        tracked: &mut TrackedData<C::Data>,
        change: &mut (impl FnMut(&mut C::Data) -> R + ?Sized),
    ) -> Result<R, Error> {
        let (epoch, generation, max_size) = {
            let state = self.state();
            let max_size = self.limit_beside(state.login.as_deref());
            (state.epoch, state.generation, max_size)
        };
        if tracked.is_changed() {
            self.check_data(tracked.data())?;
        }
        let mut permit = commit_queue::acquire_if_contended(self.key, self.wait_policy()).await?;
        if let Some(latest) = self.handed_over(permit.as_ref(), &base, generation) {
            base = latest;
        }
        for _ in 0..TRIES {
            let mut new = C::Data::clone(&base.data);
            let output = change(&mut new);
            self.check_data(&new)?;
            let new = Arc::new(new);
            let mut pending = None;
            let mut overwritten = Vec::new();
            if tracked.is_changed() {
                let (base, mine) = (tracked.base(), tracked.shared());
                let merged = merged::<C>(base, mine, new.clone()).await;
                overwritten = self.check_conflicts(merged.overwritten)?;
                pending = Some(Arc::new(merged.data));
            }
            let change = Change {
                commit_id: self.new_commit_id(),
                epoch,
                generation,
                data: Some(DataChange {
                    base: Some(base),
                    data: new.clone(),
                    max_size,
                }),
                identity: None,
                lifetime: None,
                format: self.options.data_format(),
                label: None,
            };
            match self.send(&change).await? {
                CommitOutcome::Applied { snapshot, .. } => {
                    self.hand_over(permit.as_mut(), &change, snapshot.as_ref());
                    let committed = self.record_applied(guard, &change, snapshot).unwrap_or(new);
                    *tracked = match pending {
                        Some(pending) => TrackedData::changed(committed, pending),
                        None => TrackedData::new(committed),
                    };
                    self.emit_overwritten(overwritten);
                    return Ok(output);
                }
                CommitOutcome::Ended | CommitOutcome::Refused(_) => return Err(self.mark_ended()),
                CommitOutcome::Conflict(record) => base = record.snapshot,
            }
            if permit.is_none()
                && self.wait_for_permit(&mut permit).await?
                && let Some(latest) = self.handed_over(permit.as_ref(), &base, generation)
            {
                base = latest;
            }
        }
        Err(Error::of(ErrorKind::Contention))
    }

    /// Rebases the handler's data on what this request has stored since the handler loaded it: another
    /// guard has committed, or the handler's own reset was discarded. The caller holds the write lock.
    pub(crate) async fn rebase(
        &self,
        guard: GuardIndex,
        tracked: &mut TrackedData<C::Data>,
    ) -> Result<(), Error> {
        let (stored, is_reset, by_other_guard) = {
            let mut state = self.state();
            let resets = state.resets;
            let by_other_guard = state.guards.are_many();
            let stored = match (&state.phase, &state.initial) {
                (Phase::Stored(stored), _) => &stored.data,
                (Phase::New, Some(initial)) => initial,
                _ => return Ok(()),
            };
            if tracked.is_based_on(stored) {
                return Ok(());
            }
            let stored = stored.clone();
            let pending = state.guards.get_mut(guard);
            if pending.resets() {
                return Ok(());
            }
            let is_reset = pending.resets_seen != resets;
            pending.resets_seen = resets;
            (stored, is_reset, by_other_guard)
        };
        if is_reset && tracked.is_changed() {
            // A merge would give the previous user's data to the next one.
            self.emit_event(EventKind::DroppedUnsaved, None);
        }
        if is_reset || !tracked.is_changed() {
            *tracked = TrackedData::new(stored);
            return Ok(());
        }
        self.check_data(tracked.data())?;
        let (base, mine) = (tracked.base(), tracked.shared());
        let merged = merged::<C>(base, mine, stored.clone()).await;
        let overwritten = if by_other_guard {
            // The request does not conflict with itself: the guard that commits later decides.
            merged.overwritten
        } else {
            self.check_conflicts(merged.overwritten)?
        };
        *tracked = TrackedData::changed(stored, Arc::new(merged.data));
        self.emit_overwritten(overwritten);
        Ok(())
    }

    /// Runs `change` on the data of an unsaved session, with the pending changes in `tracked`, and lets
    /// every guard of the session start with the result. The caller holds the write lock, and has
    /// rebased `tracked`.
    pub(crate) fn update_initial<R>(
        &self,
        guard: GuardIndex,
        tracked: &mut TrackedData<C::Data>,
        change: &mut (impl FnMut(&mut C::Data) -> R + ?Sized),
    ) -> Result<R, Error> {
        let mut new = C::Data::clone(tracked.data());
        let output = change(&mut new);
        self.check_data(&new)?;
        let new = Arc::new(new);
        let mut state = self.state();
        state.initial = Some(new.clone());
        state.guards.get_mut(guard).creation = Creation::Always;
        drop(state);
        *tracked = TrackedData::new(new);
        Ok(output)
    }

    /// Loads the record again and discards all pending changes. The caller holds the write lock.
    pub(crate) async fn reload(
        &self,
        guard: GuardIndex,
        sid: HashedSid,
    ) -> Result<Arc<C::Data>, Error> {
        let policy = LoadPolicy {
            watches_reuse: false,
            ..LoadPolicy::without_renewal(self.options.on_undecodable)
        };
        let (store, transport) = (&self.store, self.transport());
        let loaded = load::<C>(store, self.options, sid, transport, policy).await;
        let Some(loaded) = or_none(loaded)? else {
            return Err(self.mark_ended());
        };
        let mut state = self.state();
        if loaded.generation != state.generation {
            drop(state);
            return Err(self.mark_ended());
        }
        let data = loaded.snapshot.data.clone();
        state.phase = Phase::Stored(loaded.snapshot);
        state.epoch = loaded.epoch;
        state.deadlines = Some(loaded.deadlines);
        state.lifetime = loaded.lifetime;
        state.login = loaded.login;
        let resets = state.resets;
        let pending = state.guards.get_mut(guard);
        pending.discard_all_but_data();
        pending.resets_seen = resets;
        Ok(data)
    }

    /// Whether the session is alive, with the login that this request knows. Extends its idle deadline. The
    /// caller holds the write lock.
    pub(crate) async fn is_alive(&self, guard: GuardIndex) -> Result<bool, Error> {
        let change = {
            let state = self.state();
            match state.phase {
                // Once its guard is closed, only a `save` stores it.
                Phase::New => return Ok(!state.guards.get(guard).closed),
                Phase::Ended { .. } => return Ok(false),
                Phase::Stored(_) => Change {
                    commit_id: self.new_commit_id(),
                    epoch: state.epoch,
                    generation: state.generation,
                    data: None,
                    identity: None,
                    lifetime: None,
                    label: None,
                    format: self.options.data_format(),
                },
            }
        };
        let is_alive = matches!(self.send(&change).await?, CommitOutcome::Applied { .. });
        if is_alive {
            self.record_applied(guard, &change, None);
        }
        Ok(is_alive)
    }

    /// Removes the record. The caller holds the write lock.
    pub(crate) async fn destroy(&self) -> Result<(), Error> {
        let (stored, login) = {
            let state = self.state();
            (matches!(state.phase, Phase::Stored(_)), state.login.clone())
        };
        if stored {
            let started = trace::started_awaited(self.options.on_event);
            let call = self.store.destroy(self.key);
            let result = if trace::records_debug() {
                let call = trace::in_span_awaited(StoreCall::Destroy, C::NAME, self.key.id, call);
                Box::pin(call).await
            } else {
                call.await
            };
            let elapsed = started.map(|at| at.elapsed());
            result.map_err(|error| self.store_failed("destroy", error, elapsed))?;
            let subject = login.as_ref().map(|login| &*login.subject);
            self.emit_event_of_user(subject, EventKind::Destroyed, elapsed);
        }
        let mut state = self.state();
        state.phase = Phase::Ended { destroyed: stored };
        state.sid_to_send = SidToSend::None;
        state.guards.discard_all_but_data();
        Ok(())
    }
}
