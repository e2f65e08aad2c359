//! Writing what a request changed.

use std::sync::Arc;
use std::time::Instant;

use super::Emission;
use super::load::{Offers, load};
use super::shared::{Emit, Finish, Phase, Shared, Working, deadlines};
use super::turn::{self, Patience, Turn};
use crate::config::{OnConflict, OnGone, SessionConfig};
use crate::data;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::loader::Target;
use crate::merge::three_way;
use crate::record::{Change, CommitId, DataChange, IdentityChange, NewRecord, Snapshot};
use crate::sid::PresentedSid;
use crate::store::{BoxFuture, Committed, Inserted, StoreError};

/// How often a change is tried before the client is told to come back.
const TRIES: usize = 32;

/// What there is to do, read off the ledger in one step.
enum Plan<D> {
    Nothing,
    Insert(NewRecord<D>),
    Change(Box<Change<D>>),
    Gone,
}

impl<C: SessionConfig> Finish for Shared<C> {
    fn settle(&self, failed: bool) -> Option<Emission> {
        let mut ledger = self.ledger();
        ledger.closed = true;
        if failed {
            // What `save` has stored is stored: a sid that the store knows is sent all the same.
            ledger.returned = None;
            ledger.offer = None;
            ledger.forget_pending();
            return Some(self.emission(&ledger));
        }
        let untouched = ledger.identity.is_none()
            && ledger.pending_lifetime.is_none()
            && ledger.offer.is_none()
            && !ledger.returned.as_ref().is_some_and(Working::is_changed);
        match ledger.phase {
            Phase::New => None,
            Phase::Stored(_) if !untouched => None,
            Phase::Stored(_) | Phase::Ended { .. } => Some(self.emission(&ledger)),
        }
    }

    fn abandon(&self) {
        let mut ledger = self.ledger();
        ledger.closed = true;
        ledger.returned = None;
        ledger.offer = None;
        ledger.forget_pending();
    }

    fn commit(mut self: Arc<Self>) -> BoxFuture<'static, Result<Emission, Error>> {
        Box::pin(async move {
            // Mostly the session is dropped by now, and nobody is left to be waited for.
            let is_alone = Arc::get_mut(&mut self).is_some();
            let _order = if is_alone {
                None
            } else {
                Some(self.order.lock().await)
            };
            let working = self.ledger().returned.take();
            let stored = self.persist(working).await;
            if stored.is_ok() {
                self.confirm_offer().await;
            }
            let emission = self.emission(&self.ledger());
            match stored {
                Err(error)
                    if error.kind() == ErrorKind::Ended
                        && self.options.on_gone == OnGone::Ignore =>
                {
                    Ok(emission)
                }
                Err(error) => Err(error),
                Ok(()) => Ok(emission),
            }
        })
    }
}

impl<C: SessionConfig> Shared<C> {
    /// Stores a new session, or what has changed of a stored one. `order` is held.
    pub(crate) async fn persist(&self, working: Option<Working<C::Data>>) -> Result<(), Error> {
        let plan = self.plan(working)?;
        match plan {
            Plan::Nothing => Ok(()),
            Plan::Gone => Err(self.gone()),
            Plan::Insert(record) => self.insert(record).await,
            Plan::Change(change) => self.apply(change).await,
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
        let found = load::<C>(store, self.options, &sid, transport, Offers::None);
        let found = found.answer().await;
        let mut ledger = self.ledger();
        if matches!(found, Ok(Some(found)) if found.epoch == ledger.epoch) {
            ledger.emit = Emit::Offer;
            ledger.offer = Some(offer);
        }
    }

    fn plan(&self, working: Option<Working<C::Data>>) -> Result<Plan<C::Data>, Error> {
        let max_size = self.options.encoded_limit();
        let ledger = self.ledger();
        let changed = working.as_ref().is_some_and(Working::is_changed);
        let plan = match &ledger.phase {
            Phase::New => {
                let lifetime = ledger.pending_lifetime.unwrap_or(ledger.lifetime);
                let data = working.map_or_else(Arc::default, Working::into_data);
                let record = NewRecord {
                    secret: ledger.current_sid().secret_hash(),
                    transport: self.transport(),
                    data,
                    subject: ledger.subject.clone(),
                    lifetime,
                    commit_id: CommitId::mint(),
                    max_size,
                };
                Plan::Insert(record)
            }
            Phase::Ended { .. }
                if changed || ledger.identity.is_some() || ledger.pending_lifetime.is_some() =>
            {
                Plan::Gone
            }
            Phase::Ended { .. } => Plan::Nothing,
            Phase::Stored(base) => {
                let reset = ledger
                    .identity
                    .as_ref()
                    .is_some_and(|identity| identity.reset);
                let data = if reset {
                    let data = working.map_or_else(Arc::default, Working::into_data);
                    Some(DataChange {
                        base: None,
                        data,
                        max_size,
                    })
                } else {
                    working
                        .filter(Working::is_changed)
                        .map(|working| DataChange {
                            base: Some(base.clone()),
                            data: working.into_data(),
                            max_size,
                        })
                };
                let change = Change {
                    commit_id: CommitId::mint(),
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
                    Plan::Change(Box::new(change))
                }
            }
        };
        drop(ledger);
        match &plan {
            Plan::Insert(record) => self.check_size(&record.data)?,
            Plan::Change(change) => {
                change
                    .data
                    .as_ref()
                    .map_or(Ok(()), |change| self.check_size(&change.data))?;
            }
            Plan::Nothing | Plan::Gone => {}
        }
        Ok(plan)
    }

    /// A declared `max_size` holds in a store of live values too.
    fn check_size(&self, data: &C::Data) -> Result<(), Error> {
        if self.store.encodes() || self.options.max_size.is_none() {
            return Ok(());
        }
        data::encode(data, self.options.max_size)
            .map(drop)
            .map_err(|error| StoreError::from(error).into())
    }

    async fn insert(&self, record: NewRecord<C::Data>) -> Result<(), Error> {
        let started = self.options.on_event.map(|_| Instant::now());
        let result = self.store.insert(self.key, &record).await;
        let elapsed = started.map(|at| at.elapsed());
        match result.map_err(|error| self.failed("insert", error))? {
            Inserted::Done { snapshot, evicted } => {
                let now = self.store.now();
                let mut ledger = self.ledger();
                ledger.phase = Phase::Stored(snapshot);
                ledger.lifetime = record.lifetime;
                ledger.deadlines = deadlines(now, now, record.lifetime);
                ledger.sid = ledger.current_sid();
                ledger.emit = Emit::Sid;
                ledger.forget_pending();
                drop(ledger);
                self.tell(EventKind::Created, elapsed);
                for id in evicted {
                    let kind = EventKind::Evicted;
                    let event = crate::event::Event {
                        config: C::NAME,
                        id: Some(id),
                        kind,
                        elapsed: None,
                    };
                    crate::event::tell(self.options.on_event, &event);
                }
                Ok(())
            }
            // 74 random bits and a millisecond met: the next try has another id.
            Inserted::Exists => Err(Error::new(ErrorKind::Contention)),
        }
    }

    /// Sends a change, and merges it with what others did until it is applied.
    async fn apply(&self, mut change: Box<Change<C::Data>>) -> Result<(), Error> {
        let mut overwrote = Vec::new();
        let mut turned = turn::first(self.key.id, self.patience()).await;
        for _ in 0..TRIES {
            match self.send(&change).await? {
                Committed::Applied(snapshot) => {
                    self.applied(&change, snapshot);
                    self.tell_overwrote(overwrote);
                    return Ok(());
                }
                Committed::Gone => return Err(self.gone()),
                Committed::Conflict(record) => {
                    if change.identity.is_some() && record.epoch != change.epoch {
                        return Err(Error::new(ErrorKind::Superseded));
                    }
                    // What others commit meanwhile is newer than this record.
                    if turned.is_none() && self.take_turn(&mut turned).await {
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
                    let merged = three_way(
                        C::merge,
                        C::UNTYPED,
                        &base.data,
                        &data,
                        &record.snapshot.data,
                    );
                    overwrote.extend(self.judge(merged.overwrote)?);
                    self.check_size(&merged.data)?;
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
    async fn take_turn(&self, turned: &mut Option<Turn>) -> bool {
        let (turn, waited) = turn::again(self.key.id, self.patience()).await;
        *turned = Some(turn);
        waited
    }

    fn patience(&self) -> Patience {
        if self.store.encodes() {
            Patience::Long
        } else {
            Patience::Short
        }
    }

    fn tell_overwrote(&self, mut fields: Vec<String>) {
        if !fields.is_empty() {
            fields.sort_unstable();
            fields.dedup();
            self.tell(EventKind::Overwrote { fields: &fields }, None);
        }
    }

    /// Whether a merge that lost a change may be written.
    fn judge(&self, overwrote: Vec<String>) -> Result<Vec<String>, Error> {
        if !overwrote.is_empty() && self.options.on_conflict == OnConflict::Reject {
            return Err(Error::new(ErrorKind::Conflict));
        }
        Ok(overwrote)
    }

    /// Sends a change once. A conflict that shows the change's own id is a change that is applied.
    async fn send(&self, change: &Change<C::Data>) -> Result<Committed<C::Data>, Error> {
        let started = self.options.on_event.map(|_| Instant::now());
        let result = self.store.commit(self.key, change).await;
        let elapsed = started.map(|at| at.elapsed());
        let committed = match result.map_err(|error| self.failed("commit", error))? {
            Committed::Conflict(record) if record.commit_id == change.commit_id => {
                Committed::Applied(change.data.is_some().then_some(record.snapshot))
            }
            committed => committed,
        };
        match &committed {
            Committed::Applied(_) => self.tell(EventKind::Committed, elapsed),
            Committed::Conflict(_) => self.tell(EventKind::Conflict, elapsed),
            Committed::Gone => {}
        }
        Ok(committed)
    }

    fn applied(&self, change: &Change<C::Data>, snapshot: Option<Snapshot<C::Data>>) {
        let now = self.store.now();
        let mut ledger = self.ledger();
        let lifetime = change.lifetime.unwrap_or(ledger.lifetime);
        let logged_in = change
            .identity
            .as_ref()
            .is_some_and(|identity| identity.new_generation);
        if change.lifetime.is_some() || logged_in {
            ledger.deadlines = deadlines(ledger.deadlines.created_at, now, lifetime);
        } else {
            ledger.deadlines.idle_until = now + lifetime.idle();
        }
        if let Some(snapshot) = snapshot {
            ledger.phase = Phase::Stored(snapshot);
        }
        if let Some(identity) = &change.identity {
            ledger.epoch += 1;
            ledger.generation += u64::from(identity.new_generation);
            ledger.sid = ledger.current_sid();
            ledger.emit = Emit::Sid;
            ledger.identity = None;
        }
        if let Some(lifetime) = change.lifetime {
            ledger.lifetime = lifetime;
            ledger.pending_lifetime = None;
            // A cookie that outlives the browser says how long.
            if matches!(self.target, Target::Cookie(spec) if spec.persistent) {
                ledger.emit = Emit::Sid;
            }
        }
    }

    /// A new session whose data could not be stored is not stored without it.
    pub(crate) fn give_up(&self) {
        let mut ledger = self.ledger();
        if matches!(ledger.phase, Phase::New) {
            ledger.phase = Phase::Ended { destroyed: false };
        }
    }

    fn gone(&self) -> Error {
        let mut ledger = self.ledger();
        ledger.emit = Emit::Nothing;
        if !matches!(ledger.phase, Phase::Ended { destroyed: true }) {
            ledger.phase = Phase::Ended { destroyed: false };
        }
        ledger.forget_pending();
        drop(ledger);
        self.tell(EventKind::Gone, None);
        Error::new(ErrorKind::Ended)
    }

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
                let merged = three_way(C::merge, C::UNTYPED, working.base(), working.data(), &new);
                overwrote = self.judge(merged.overwrote)?;
                pending = Some(Arc::new(merged.data));
            }
            self.check_size(&new)?;
            let max_size = self.options.encoded_limit();
            let change = Change {
                commit_id: CommitId::mint(),
                epoch,
                generation,
                data: Some(DataChange {
                    base: Some(base),
                    data: Arc::new(new),
                    max_size,
                }),
                identity: None,
                lifetime: None,
            };
            match self.send(&change).await? {
                Committed::Applied(snapshot) => {
                    self.applied(&change, snapshot);
                    self.tell_overwrote(overwrote);
                    let committed = match &self.ledger().phase {
                        Phase::Stored(snapshot) => snapshot.data.clone(),
                        _ => return Err(Error::new(ErrorKind::Ended)),
                    };
                    *working = Working::new(committed, pending);
                    return Ok(answer);
                }
                Committed::Gone => return Err(self.gone()),
                Committed::Conflict(record) => base = record.snapshot,
            }
            if turned.is_none() {
                self.take_turn(&mut turned).await;
            }
        }
        Err(Error::new(ErrorKind::Contention))
    }

    /// Loads the record anew; what was not committed is dropped. `order` is held.
    pub(crate) async fn reload(&self, sid: PresentedSid) -> Result<Arc<C::Data>, Error> {
        let loading = load::<C>(
            &self.store,
            self.options,
            &sid,
            self.transport(),
            Offers::None,
        );
        let loaded = loading.answer().await?;
        let Some(loaded) = loaded else {
            return Err(self.gone());
        };
        let mut ledger = self.ledger();
        if loaded.generation != ledger.generation {
            drop(ledger);
            return Err(self.gone());
        }
        let data = loaded.snapshot.data.clone();
        ledger.phase = Phase::Stored(loaded.snapshot);
        ledger.epoch = loaded.epoch;
        ledger.deadlines = loaded.deadlines;
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
