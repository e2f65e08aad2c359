//! Sending a change to the store, and merging it with what other requests did meanwhile.

use std::sync::Arc;
use std::time::Instant;

use super::commit::Plan;
use super::load::report;
use super::shared::{Emit, Phase, Shared, deadlines};
use super::turn::{self, Patience, Turn};
use super::working::Working;
use crate::config::{OnConflict, SessionConfig};
use crate::data;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::loader::EmitTarget;
use crate::merge;
use crate::record::{Change, DataChange, Deadlines, NewRecord, Snapshot};
use crate::store::{CommitOutcome, InsertOutcome, StoreError};

/// How often a change is tried before the client is told to come back.
pub(super) const TRIES: usize = 32;

/// What is left to be stored where that has to wait.
pub(super) enum Rest<D> {
    Insert(NewRecord<D>),
    /// A change, and what came of it if it was sent before.
    Change(Box<Change<D>>, Option<CommitOutcome<D>>),
}

impl<C: SessionConfig> Shared<C> {
    /// Stores a new session, or what has changed of a stored one. `order` is held.
    pub(crate) async fn persist(&self, mut working: Option<Working<C::Data>>) -> Result<(), Error> {
        let plan = self.plan(&self.ledger(), &mut working);
        drop(working);
        match self.carry_out_now(plan)? {
            Some(rest) => self.carry_out_rest(rest).await,
            None => Ok(()),
        }
    }

    /// Carries a plan out as far as nothing has to be waited for; what is left then. `order` is
    /// held, or nobody else has the session.
    pub(super) fn carry_out_now(
        &self,
        plan: Plan<C::Data>,
    ) -> Result<Option<Rest<C::Data>>, Error> {
        if let Some(data) = plan.data() {
            self.check_size(data)?;
        }
        match (plan, self.store.as_sync()) {
            (Plan::Nothing, _) => Ok(None),
            (Plan::Ended, _) => Err(self.ended()),
            (Plan::Insert(record), Some(store)) => {
                let started = self.started();
                let result = store.insert(self.key, &record);
                self.inserted(&record, result, started)?;
                Ok(None)
            }
            (Plan::Insert(record), None) => Ok(Some(Rest::Insert(record))),
            (Plan::Change(change), Some(store)) if turn::is_free(self.key.id) => {
                let started = self.started();
                let result = store.commit(self.key, &change);
                match self.sent(&change, result, started)? {
                    CommitOutcome::Applied(snapshot) => {
                        self.applied(&change, snapshot);
                        Ok(None)
                    }
                    CommitOutcome::Ended => Err(self.ended()),
                    conflict @ CommitOutcome::Conflict(_) => {
                        Ok(Some(Rest::Change(Box::new(change), Some(conflict))))
                    }
                }
            }
            (Plan::Change(change), _) => Ok(Some(Rest::Change(Box::new(change), None))),
        }
    }

    pub(super) async fn carry_out_rest(&self, rest: Rest<C::Data>) -> Result<(), Error> {
        match rest {
            Rest::Insert(record) => self.insert(record).await,
            Rest::Change(change, known) => self.apply(change, known).await,
        }
    }

    async fn insert(&self, record: NewRecord<C::Data>) -> Result<(), Error> {
        let started = self.started();
        let result = self.store.insert(self.key, &record).await;
        self.inserted(&record, result, started)
    }

    fn inserted(
        &self,
        record: &NewRecord<C::Data>,
        result: Result<InsertOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<(), Error> {
        let elapsed = started.map(|at| at.elapsed());
        match result.map_err(|error| self.failed("insert", error))? {
            InsertOutcome::Done { snapshot, evicted } => {
                let mut ledger = self.ledger();
                ledger.phase = Phase::Stored(snapshot);
                ledger.live_for(record.lifetime);
                ledger.emit = Emit::Sid;
                ledger.deadlines = ledger.in_use.then(|| {
                    let now = self.store.now();
                    deadlines(now, now, record.lifetime)
                });
                drop(ledger);
                self.tell(EventKind::Created, elapsed);
                for id in evicted {
                    report::<C>(self.options, Some(id), EventKind::Evicted, None);
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
        let mut overwrote = Vec::new();
        let mut turned = match known {
            Some(_) => None,
            None => turn::first(self.key.id, self.patience()).await,
        };
        for _ in 0..TRIES {
            let committed = match known.take() {
                Some(committed) => committed,
                None => self.send(&change).await?,
            };
            match committed {
                CommitOutcome::Applied(snapshot) => {
                    self.applied(&change, snapshot);
                    self.tell_overwrote(overwrote);
                    return Ok(());
                }
                CommitOutcome::Ended => return Err(self.ended()),
                CommitOutcome::Conflict(record) => {
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
                    let merged = merge::merge(
                        C::merge,
                        C::UNTYPED,
                        &base.data,
                        &data,
                        &record.snapshot.data,
                    );
                    overwrote.extend(self.judge(merged.overwritten)?);
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
    pub(super) async fn take_turn(&self, turned: &mut Option<Turn>) -> bool {
        let (turn, waited) = turn::again(self.key.id, self.patience()).await;
        *turned = Some(turn);
        waited
    }

    pub(super) fn patience(&self) -> Patience {
        if self.store.is_serializing() {
            Patience::Long
        } else {
            Patience::Short
        }
    }

    pub(super) fn tell_overwrote(&self, mut fields: Vec<String>) {
        if !fields.is_empty() {
            fields.sort_unstable();
            fields.dedup();
            self.tell(EventKind::Overwritten { fields: &fields }, None);
        }
    }

    /// Whether a merge that lost a change may be written.
    pub(super) fn judge(&self, overwrote: Vec<String>) -> Result<Vec<String>, Error> {
        if !overwrote.is_empty() && self.options.on_conflict == OnConflict::Reject {
            return Err(Error::new(ErrorKind::Conflict));
        }
        Ok(overwrote)
    }

    /// Sends a change once.
    pub(super) async fn send(
        &self,
        change: &Change<C::Data>,
    ) -> Result<CommitOutcome<C::Data>, Error> {
        let started = self.started();
        let result = self.store.commit(self.key, change).await;
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
        let committed = match result.map_err(|error| self.failed("commit", error))? {
            CommitOutcome::Conflict(record) if record.commit_id == change.commit_id => {
                CommitOutcome::Applied(change.data.is_some().then_some(record.snapshot))
            }
            committed => committed,
        };
        match &committed {
            CommitOutcome::Applied(_) => self.tell(EventKind::Committed, elapsed),
            CommitOutcome::Conflict(_) => self.tell(EventKind::Conflict, elapsed),
            CommitOutcome::Ended => {}
        }
        Ok(committed)
    }

    /// Now, if anybody listens.
    fn started(&self) -> Option<Instant> {
        self.options.on_event.map(|_| Instant::now())
    }

    /// Takes note of it; the data as it is stored now, if that was changed.
    pub(super) fn applied(
        &self,
        change: &Change<C::Data>,
        snapshot: Option<Snapshot<C::Data>>,
    ) -> Option<Arc<C::Data>> {
        let mut ledger = self.ledger();
        let lifetime = change.lifetime.unwrap_or(ledger.lifetime);
        let logged_in = (change.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        let begins_anew = change.lifetime.is_some() || logged_in;
        // Mostly nobody asks any more, and the clock need not be read.
        if let Some(known) = ledger.deadlines.filter(|_| begins_anew || ledger.in_use) {
            let now = self.store.now();
            ledger.deadlines = Some(if begins_anew {
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
            ledger.phase = Phase::Stored(snapshot);
            data
        });
        if let Some(identity) = &change.identity {
            ledger.epoch += 1;
            ledger.generation += u64::from(identity.new_generation);
            ledger.sid = ledger.current_sid();
            ledger.emit = Emit::Sid;
            ledger.identity = None;
        }
        if let Some(lifetime) = change.lifetime {
            ledger.live_for(lifetime);
            // A cookie that outlives the browser says how long.
            if matches!(self.target, EmitTarget::Cookie(spec) if spec.persistent) {
                ledger.emit = Emit::Sid;
            }
        }
        data
    }

    /// A declared `max_size` holds in a store of live values too.
    pub(super) fn check_size(&self, data: &C::Data) -> Result<(), Error> {
        if self.store.is_serializing() || self.options.max_size.is_none() {
            return Ok(());
        }
        data::encode(data, self.options.max_size)
            .map(drop)
            .map_err(|error| StoreError::from(error).into())
    }
}
