//! One session, and the effect of each operation on it.

use std::sync::Arc;
use std::time::Duration;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{
    Change, CommitId, Deadlines, Lifetime, LoadRequest, Login, NewRecord, Record, Snapshot,
    Transport,
};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::CommitOutcome;
use connect_session_runtime::timestamp::Timestamp;

pub(crate) struct Entry<D> {
    data: Arc<D>,
    version: u64,
    epoch: u64,
    generation: u64,
    commit_id: CommitId,
    secret: SecretHash,
    secret_since: Timestamp,
    /// The offered secret, the time of the offer, and the grace period of the current one.
    offer: Option<(SecretHash, Timestamp, Duration)>,
    /// The secret before the current one, and the end of its grace period.
    previous: Option<(SecretHash, Timestamp)>,
    transport: Transport,
    lifetime: Lifetime,
    deadlines: Deadlines,
    /// Whether no load has found the session yet, and it ends early for that reason.
    awaits_first_use: bool,
    login: Option<Arc<Login>>,
}

fn deadlines(created_at: Timestamp, lifetime: Lifetime, now: Timestamp) -> Deadlines {
    Deadlines {
        created_at,
        idle_until: now + lifetime.idle(),
        absolute_until: now + lifetime.absolute(),
    }
}

impl<D: SessionData> Entry<D> {
    pub(crate) fn new(new: &NewRecord<D>, now: Timestamp) -> Self {
        let mut deadlines = deadlines(now, new.lifetime, now);
        if let Some(timeout) = new.first_use_timeout {
            deadlines.idle_until = deadlines.idle_until.min(now + timeout);
        }
        Self {
            data: new.data.clone(),
            version: 1,
            epoch: 0,
            generation: 0,
            commit_id: new.commit_id,
            secret: new.secret,
            secret_since: now,
            offer: None,
            previous: None,
            transport: new.transport,
            lifetime: new.lifetime,
            deadlines,
            awaits_first_use: new.first_use_timeout.is_some(),
            login: (new.login.as_ref()).map(|login| Arc::new(Login::new(login, now))),
        }
    }

    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        now < self.deadlines.expires_at()
    }

    pub(crate) fn snapshot(&self) -> Snapshot<D> {
        Snapshot {
            data: self.data.clone(),
            version: self.version,
            stored: None,
        }
    }

    fn record(&self, renewed: bool) -> Record<D> {
        Record {
            snapshot: self.snapshot(),
            epoch: self.epoch,
            generation: self.generation,
            commit_id: self.commit_id,
            deadlines: self.deadlines,
            lifetime: self.lifetime,
            login: self.login.clone(),
            renewed,
        }
    }

    fn keep_alive(&mut self, now: Timestamp) {
        self.deadlines.idle_until = now + self.lifetime.idle();
    }

    /// Keeps it alive after a change, unless it awaits its first use: then it ends no later than before.
    fn keep_alive_after_change(&mut self, before: Timestamp, now: Timestamp) {
        self.keep_alive(now);
        if self.awaits_first_use {
            self.deadlines.idle_until = self.deadlines.idle_until.min(before);
        }
    }

    pub(crate) fn load(&mut self, request: &LoadRequest, now: Timestamp) -> Option<Record<D>> {
        if request.transport != self.transport {
            return None;
        }
        let mut renewed = false;
        if request.secret == self.secret {
            renewed = self.renew(request, now);
        } else if !self.promote(request, now) {
            let (previous, until) = self.previous?;
            if previous != request.secret || until <= now {
                return None;
            }
        }
        let idle = self.lifetime.idle();
        let every = request.touch_every.filter(|every| *every < idle);
        let touched = self.deadlines.idle_until - idle;
        if self.awaits_first_use || touched + every.unwrap_or(idle / 10) <= now {
            self.awaits_first_use = false;
            self.keep_alive(now);
        }
        Some(self.record(renewed))
    }

    /// Offers the candidate if a renewal is due, and no earlier offer is still fresh.
    fn renew(&mut self, request: &LoadRequest, now: Timestamp) -> bool {
        let Some(renewal) = request.renewal else {
            return false;
        };
        let is_due = |since: Timestamp| since + renewal.every <= now;
        let due = is_due(self.secret_since) && self.offer.is_none_or(|(_, made, _)| is_due(made));
        if due {
            self.offer = Some((renewal.candidate, now, renewal.grace));
        }
        due
    }

    /// Makes an offered secret the current one on its first use.
    fn promote(&mut self, request: &LoadRequest, now: Timestamp) -> bool {
        match self.offer {
            Some((secret, _, offered)) if secret == request.secret => {
                let grace = request.renewal.map_or(offered, |renewal| renewal.grace);
                self.previous = Some((self.secret, now + grace));
                (self.secret, self.secret_since) = (secret, now);
                self.offer = None;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn commit(&mut self, change: &Change<D>, now: Timestamp) -> CommitOutcome<D> {
        let applied =
            |entry: &Self| CommitOutcome::applied(change.data.is_some().then(|| entry.snapshot()));
        if self.commit_id == change.commit_id {
            return applied(self);
        }
        if self.generation != change.generation {
            return CommitOutcome::Ended;
        }
        let before = self.deadlines.idle_until;
        let base = change.data.as_ref().and_then(|data| data.base.as_ref());
        let stale = base.is_some_and(|base| base.version != self.version);
        if stale || (change.identity.is_some() && change.epoch != self.epoch) {
            return CommitOutcome::Conflict(Box::new(self.record(false)));
        }
        if change.data.is_some() || change.identity.is_some() || change.lifetime.is_some() {
            self.commit_id = change.commit_id;
        }
        if let Some(data) = &change.data {
            self.data = data.data.clone();
            self.version += 1;
        }
        if let Some(identity) = &change.identity {
            (self.secret, self.secret_since) = (identity.secret, now);
            (self.offer, self.previous) = (None, None);
            self.epoch += 1;
            if identity.new_generation {
                self.generation += 1;
                self.deadlines = deadlines(self.deadlines.created_at, self.lifetime, now);
            }
            self.login = identity.login.apply(self.login.take(), now);
        }
        if let Some(lifetime) = change.lifetime {
            self.lifetime = lifetime;
            self.deadlines = deadlines(self.deadlines.created_at, lifetime, now);
        }
        self.keep_alive_after_change(before, now);
        applied(self)
    }
}
