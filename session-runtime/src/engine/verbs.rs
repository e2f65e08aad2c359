//! What a handler does to its session at once, before it returns: update, reload, destroy.

use std::sync::Arc;

use super::apply::TRIES;
use super::commit_queue;
use super::load::{RenewalPolicy, load};
use super::merging::merged;
use super::session_core::{Emit, Phase, SessionCore};
use super::tracked_data::TrackedData;
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::event::{EventKind, trace};
use crate::record::{Change, CommitId, DataChange, Snapshot};
use crate::sid::PresentedSid;
use crate::store::CommitOutcome;

impl<C: SessionConfig> SessionCore<C> {
    /// Runs a closure on what is committed, and commits what it makes of it, as often as that
    /// takes. What is still pending in `working` is re-based on the result. `order` is held.
    pub(crate) async fn update<R>(
        &self,
        mut base: Snapshot<C::Data>,
        tracked: &mut TrackedData<C::Data>,
        change: &mut (impl FnMut(&mut C::Data) -> R + ?Sized),
    ) -> Result<R, Error> {
        let (epoch, generation) = {
            let state = self.state();
            (state.epoch, state.generation)
        };
        if tracked.is_changed() {
            self.check_data(tracked.data())?;
        }
        let mut permit = commit_queue::first(self.key.id, self.spin_policy()).await;
        for _ in 0..TRIES {
            let mut new = C::Data::clone(&base.data);
            let answer = change(&mut new);
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
            let max_size = self.options.encoded_limit();
            let change = Change {
                commit_id: CommitId::random(),
                epoch,
                generation,
                data: Some(DataChange {
                    base: Some(base),
                    data: new.clone(),
                    max_size,
                }),
                identity: None,
                lifetime: None,
            };
            match self.send(&change).await? {
                CommitOutcome::Applied(snapshot) => {
                    let committed = self.applied(&change, snapshot).unwrap_or(new);
                    *tracked = match pending {
                        Some(pending) => TrackedData::changed(committed, pending),
                        None => TrackedData::new(committed),
                    };
                    self.emit_overwritten(overwritten);
                    return Ok(answer);
                }
                CommitOutcome::Ended => return Err(self.ended()),
                CommitOutcome::Conflict(record) => base = record.snapshot,
            }
            if permit.is_none() {
                self.wait_for_permit(&mut permit).await;
            }
        }
        Err(Error::new(ErrorKind::Contention))
    }

    /// After a reset that was given up: what the handler changed since, it changed in what is stored.
    /// `order` is held.
    pub(crate) async fn rebase(&self, tracked: &mut TrackedData<C::Data>) -> Result<(), Error> {
        if self.is_new || !tracked.started_fresh() {
            return Ok(());
        }
        let stored = {
            let state = self.state();
            match &state.phase {
                Phase::Stored(snapshot) if !state.resets() => snapshot.data.clone(),
                _ => return Ok(()),
            }
        };
        if !tracked.is_changed() {
            *tracked = TrackedData::new(stored);
            return Ok(());
        }
        self.check_data(tracked.data())?;
        let (base, mine) = (tracked.base(), tracked.shared());
        let merged = merged::<C>(base, mine, stored.clone()).await;
        let overwritten = self.check_conflicts(merged.overwritten)?;
        *tracked = TrackedData::changed(stored, Arc::new(merged.data));
        self.emit_overwritten(overwritten);
        Ok(())
    }

    /// Loads the record anew; what was not committed is dropped. `order` is held.
    pub(crate) async fn reload(&self, sid: PresentedSid) -> Result<Arc<C::Data>, Error> {
        let loaded = load::<C>(
            &self.store,
            self.options,
            &sid,
            self.transport(),
            RenewalPolicy::Never,
        )
        .await?;
        let Some(loaded) = loaded else {
            return Err(self.ended());
        };
        let mut state = self.state();
        if loaded.generation != state.generation {
            drop(state);
            return Err(self.ended());
        }
        let data = loaded.snapshot.data.clone();
        state.phase = Phase::Stored(loaded.snapshot);
        state.epoch = loaded.epoch;
        state.deadlines = Some(loaded.deadlines);
        state.lifetime = loaded.lifetime;
        state.subject = loaded.subject;
        state.forget_pending();
        Ok(data)
    }

    /// Removes the record, at once. `order` is held.
    pub(crate) async fn destroy(&self) -> Result<(), Error> {
        let stored = matches!(self.state().phase, Phase::Stored(_));
        if stored {
            let started = trace::started_awaited(self.options.on_event);
            let result = self.store.destroy(self.key).await;
            let elapsed = started.map(|at| at.elapsed());
            result.map_err(|error| self.failed("destroy", error, elapsed))?;
            self.emit_event(EventKind::Destroyed, elapsed);
        }
        let mut state = self.state();
        state.phase = Phase::Ended { destroyed: stored };
        state.emit = Emit::Nothing;
        state.forget_pending();
        Ok(())
    }
}
