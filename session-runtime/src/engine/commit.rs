//! Writing what a request changed, when its handler has returned.

use std::sync::Arc;

use super::Emission;
use super::load::{Offers, load};
use super::shared::{Emit, Finish, Finishing, Ledger, Phase, Shared};
use super::working::Working;
use crate::config::{Commit, OnEnded, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::record::{Change, CommitId, DataChange, IdentityChange, NewRecord};

/// What there is to do, read off the ledger in one step.
pub(super) enum Plan<D> {
    Nothing,
    Insert(NewRecord<D>),
    Change(Change<D>),
    Ended,
}

impl<D> Plan<D> {
    /// The data that is to be stored.
    pub(super) fn data(&self) -> Option<&D> {
        match self {
            Self::Insert(record) => Some(&record.data),
            Self::Change(change) => change.data.as_ref().map(|change| &*change.data),
            Self::Nothing | Self::Ended => None,
        }
    }
}

impl<C: SessionConfig> Finish for Shared<C> {
    fn finish(self: Arc<Self>, failed: bool) -> Finishing {
        let failed = failed && self.options.commit != Commit::Always;
        // Mostly the session is dropped by now, and nobody is left to be waited for. Nobody can come:
        // the last `Arc` is this one.
        let is_alone = Arc::strong_count(&self) == 1;
        let mut ledger = self.ledger();
        if let Some(emission) = self.settle(&mut ledger, failed) {
            return Finishing::Now(Ok(emission));
        }
        if !is_alone {
            drop(ledger);
            return self.later(|shared| async move {
                let _order = shared.in_order().await;
                let working = shared.ledger().returned.take();
                let stored = shared.persist(working).await;
                shared.finished(stored).await
            });
        }
        ledger.in_use = false;
        let mut working = ledger.returned.take();
        let plan = self.plan(&ledger, &mut working);
        drop(ledger);
        drop(working);
        match self.carry_out_now(plan) {
            Ok(Some(rest)) => self.later(|shared| async move {
                let stored = shared.carry_out_rest(rest).await;
                shared.finished(stored).await
            }),
            Ok(None) => {
                let ledger = self.ledger();
                if ledger.offer.is_none() {
                    return Finishing::Now(Ok(self.emission(&ledger)));
                }
                drop(ledger);
                self.later(|shared| async move { shared.finished(Ok(())).await })
            }
            Err(error) => Finishing::Now(self.outcome(Err(error))),
        }
    }

    fn abandon(&self) {
        let mut ledger = self.ledger();
        ledger.closed = true;
        ledger.returned = None;
        ledger.offer = None;
        ledger.forget_pending();
    }
}

impl<C: SessionConfig> Shared<C> {
    fn later<F>(self: Arc<Self>, finish: impl FnOnce(Arc<Self>) -> F) -> Finishing
    where
        F: Future<Output = Result<Emission, Error>> + Send + 'static,
    {
        Finishing::Later(Box::pin(finish(self.clone())), self)
    }

    /// What there is to emit, if nothing is to be written.
    fn settle(&self, ledger: &mut Ledger<C::Data>, failed: bool) -> Option<Emission> {
        ledger.closed = true;
        if failed {
            // What `save` has stored is stored: a sid that the store knows is sent all the same.
            ledger.returned = None;
            ledger.offer = None;
            ledger.forget_pending();
            return Some(self.emission(ledger));
        }
        let untouched = ledger.identity.is_none()
            && ledger.pending_lifetime.is_none()
            && ledger.offer.is_none()
            && !ledger.returned.as_ref().is_some_and(Working::is_changed);
        match ledger.phase {
            Phase::New => None,
            Phase::Stored(_) if !untouched => None,
            Phase::Stored(_) | Phase::Ended { .. } => Some(self.emission(ledger)),
        }
    }

    /// What the response says once everything that could be stored is.
    async fn finished(&self, stored: Result<(), Error>) -> Result<Emission, Error> {
        if stored.is_ok() {
            self.confirm_offer().await;
        }
        self.outcome(stored)
    }

    fn outcome(&self, stored: Result<(), Error>) -> Result<Emission, Error> {
        let ignores = |error: &Error| {
            error.kind() == ErrorKind::Ended && self.options.on_ended == OnEnded::Ignore
        };
        match stored {
            Err(error) if !ignores(&error) => {
                // The client is told that it failed, and of no new sid: a task that saves the session
                // later is not to bring that.
                self.ledger().forget_pending();
                Err(error)
            }
            _ => Ok(self.emission(&self.ledger())),
        }
    }

    /// Sends an offered sid only if the session still has the one that was presented: since it was
    /// loaded, another request may have logged in or out, and the offer is dead then. A store that
    /// does not answer takes nothing away but the offer.
    async fn confirm_offer(&self) {
        let (offer, sid) = {
            let mut ledger = self.ledger();
            let offer = (ledger.offer.take()).filter(|_| ledger.emit == Emit::Nothing);
            (offer, ledger.sid.presented())
        };
        let Some(offer) = offer else { return };
        let (store, transport) = (&self.store, self.transport());
        let found = load::<C>(store, self.options, &sid, transport, Offers::None).await;
        let mut ledger = self.ledger();
        if matches!(found, Ok(Some(found)) if found.epoch == ledger.epoch) {
            ledger.emit = Emit::Offer;
            ledger.offer = Some(offer);
        }
    }

    /// What there is to write. `working` is left where it is not to be: dropping it may run the
    /// user's code, which is not for whoever has the ledger.
    pub(super) fn plan(
        &self,
        ledger: &Ledger<C::Data>,
        working: &mut Option<Working<C::Data>>,
    ) -> Plan<C::Data> {
        let max_size = self.options.encoded_limit();
        let changed = working.as_ref().is_some_and(Working::is_changed);
        match &ledger.phase {
            Phase::New => {
                let lifetime = ledger.pending_lifetime.unwrap_or(ledger.lifetime);
                let data = working.take().map_or_else(Arc::default, Working::into_data);
                let record = NewRecord {
                    secret: ledger.current_sid().secret_hash(),
                    transport: self.transport(),
                    data,
                    subject: ledger.subject.clone(),
                    lifetime,
                    commit_id: CommitId::random(),
                    max_size,
                };
                Plan::Insert(record)
            }
            Phase::Ended { .. }
                if changed || ledger.identity.is_some() || ledger.pending_lifetime.is_some() =>
            {
                Plan::Ended
            }
            Phase::Ended { .. } => Plan::Nothing,
            Phase::Stored(base) => {
                let data = if ledger.resets() {
                    let data = working.take().map_or_else(Arc::default, Working::into_data);
                    Some(DataChange {
                        base: None,
                        data,
                        max_size,
                    })
                } else {
                    let changed = working.take_if(|working| working.is_changed());
                    changed.map(|working| DataChange {
                        base: Some(base.clone()),
                        data: working.into_data(),
                        max_size,
                    })
                };
                let change = Change {
                    commit_id: CommitId::random(),
                    epoch: ledger.epoch,
                    generation: ledger.generation,
                    data,
                    identity: ledger.identity.as_ref().map(|identity| IdentityChange {
                        secret: identity.sid.secret_hash(),
                        new_generation: identity.new_generation,
                        subject: identity.subject.clone(),
                    }),
                    lifetime: ledger.pending_lifetime,
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
