//! What a handler does to its session at once, before it returns: update, reload, destroy.

use std::sync::Arc;

use super::apply::TRIES;
use super::load::{Offers, load};
use super::shared::{Emit, Phase, Shared};
use super::turn;
use super::working::Working;
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::merge;
use crate::record::{Change, CommitId, DataChange, Snapshot};
use crate::sid::PresentedSid;
use crate::store::CommitOutcome;

impl<C: SessionConfig> Shared<C> {
    /// Runs a closure on what is committed, and commits what it makes of it, as often as that
    /// takes. What is still pending in `working` is re-based on the result. `order` is held.
    pub(crate) async fn update<R>(
        &self,
        mut base: Snapshot<C::Data>,
        working: &mut Working<C::Data>,
        change: &mut (impl FnMut(&mut C::Data) -> R + ?Sized),
    ) -> Result<R, Error> {
        let (epoch, generation) = {
            let ledger = self.ledger();
            (ledger.epoch, ledger.generation)
        };
        let mut turned = turn::first(self.key.id, self.patience()).await;
        for _ in 0..TRIES {
            let mut new = C::Data::clone(&base.data);
            let answer = change(&mut new);
            let mut pending = None;
            let mut overwrote = Vec::new();
            if working.is_changed() {
                let merged =
                    merge::merge(C::merge, C::UNTYPED, &working.base(), working.data(), &new);
                overwrote = self.judge(merged.overwritten)?;
                pending = Some(Arc::new(merged.data));
            }
            self.check_size(&new)?;
            let max_size = self.options.encoded_limit();
            let new = Arc::new(new);
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
                    *working = match pending {
                        Some(pending) => Working::changed(committed, pending),
                        None => Working::new(committed),
                    };
                    self.tell_overwrote(overwrote);
                    return Ok(answer);
                }
                CommitOutcome::Ended => return Err(self.ended()),
                CommitOutcome::Conflict(record) => base = record.snapshot,
            }
            if turned.is_none() {
                self.take_turn(&mut turned).await;
            }
        }
        Err(Error::new(ErrorKind::Contention))
    }

    /// After a reset that was given up: what the handler changed since, it changed in what is stored.
    /// `order` is held.
    pub(crate) fn rebase(&self, working: &mut Working<C::Data>) -> Result<(), Error> {
        if self.is_new || !working.began_anew() {
            return Ok(());
        }
        let stored = {
            let ledger = self.ledger();
            match &ledger.phase {
                Phase::Stored(snapshot) if !ledger.resets() => snapshot.data.clone(),
                _ => return Ok(()),
            }
        };
        if !working.is_changed() {
            *working = Working::new(stored);
            return Ok(());
        }
        let base = working.base();
        let merged = merge::merge(C::merge, C::UNTYPED, &base, working.data(), &stored);
        let overwrote = self.judge(merged.overwritten)?;
        *working = Working::changed(stored, Arc::new(merged.data));
        self.tell_overwrote(overwrote);
        Ok(())
    }

    /// Loads the record anew; what was not committed is dropped. `order` is held.
    pub(crate) async fn reload(&self, sid: PresentedSid) -> Result<Arc<C::Data>, Error> {
        let loaded = load::<C>(
            &self.store,
            self.options,
            &sid,
            self.transport(),
            Offers::None,
        )
        .await?;
        let Some(loaded) = loaded else {
            return Err(self.ended());
        };
        let mut ledger = self.ledger();
        if loaded.generation != ledger.generation {
            drop(ledger);
            return Err(self.ended());
        }
        let data = loaded.snapshot.data.clone();
        ledger.phase = Phase::Stored(loaded.snapshot);
        ledger.epoch = loaded.epoch;
        ledger.deadlines = Some(loaded.deadlines);
        ledger.lifetime = loaded.lifetime;
        ledger.subject = loaded.subject;
        ledger.forget_pending();
        Ok(data)
    }

    /// Removes the record, at once. `order` is held.
    pub(crate) async fn destroy(&self) -> Result<(), Error> {
        let stored = matches!(self.ledger().phase, Phase::Stored(_));
        if stored {
            self.store
                .destroy(self.key)
                .await
                .map_err(|error| self.failed("destroy", error))?;
            self.tell(EventKind::Destroyed, None);
        }
        let mut ledger = self.ledger();
        ledger.phase = Phase::Ended { destroyed: stored };
        ledger.emit = Emit::Nothing;
        ledger.forget_pending();
        Ok(())
    }
}
