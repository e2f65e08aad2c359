//! The stored record of a session, and its operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_session::SessionData;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitId, CommitOutcome, Deadlines, EncodedFields, IdentityChange, Lifetime,
    LoadRequest, Login, NewRecord, Record, SecretHash, Snapshot, StoreError, Transport,
    decode_fields, encode,
};

#[derive(Debug)]
pub(super) struct StoredRecord {
    pub(super) fields: BTreeMap<String, String>,
    version: u64,
    epoch: u64,
    generation: u64,
    commit_id: CommitId,
    secret: SecretHash,
    secret_since: Timestamp,
    /// The offered secret, the time of the offer, and the grace period of the current secret after
    /// the offered one is used.
    offer: Option<(SecretHash, Timestamp, Duration)>,
    previous: Option<(SecretHash, Timestamp)>,
    transport: Transport,
    pub(super) lifetime: Lifetime,
    pub(super) deadlines: Deadlines,
    /// Whether no load has found the session yet, and it ends early for that reason.
    awaits_first_use: bool,
    login: Option<Arc<Login>>,
}

impl StoredRecord {
    pub(super) fn new<D: SessionData>(
        new: &NewRecord<D>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let fields = encode(&*new.data, Some(new.max_size))?;
        let mut deadlines = deadlines(now, new.lifetime, now);
        if let Some(timeout) = new.first_use_timeout {
            deadlines.idle_until = deadlines.idle_until.min(now + timeout);
        }
        Ok(Self {
            fields: texts_of(fields),
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
        })
    }

    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        now < self.deadlines.expires_at()
    }

    /// Counts the idle deadline from now. Returns whether a load has to do that.
    pub(super) fn slide_if_due(&mut self, touch_every: Option<Duration>, now: Timestamp) -> bool {
        let idle = self.lifetime.idle();
        let every = (touch_every.filter(|every| *every < idle)).unwrap_or(idle / 10);
        let touched = self.deadlines.idle_until - idle;
        let is_due = self.awaits_first_use || touched + every <= now;
        if is_due {
            self.awaits_first_use = false;
            self.deadlines.idle_until = now + idle;
        }
        is_due
    }

    pub(super) fn snapshot<D: SessionData>(&self) -> Result<Snapshot<D>, StoreError> {
        Ok(Snapshot {
            data: Arc::new(decode_fields(self.texts())?),
            version: self.version,
            stored: None,
        })
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        (self.fields.iter()).map(|(name, text)| (&**name, &**text))
    }

    pub(super) fn record<D: SessionData>(&self, renewed: bool) -> Result<Record<D>, StoreError> {
        Ok(Record {
            snapshot: self.snapshot()?,
            epoch: self.epoch,
            generation: self.generation,
            commit_id: self.commit_id,
            deadlines: self.deadlines,
            lifetime: self.lifetime,
            login: self.login.clone(),
            renewed,
        })
    }

    /// Whether the secret is valid for the record. An offered secret becomes the current one.
    pub(super) fn admit(&mut self, request: &LoadRequest, now: Timestamp) -> Admitted {
        if request.transport != self.transport {
            return Admitted::No;
        }
        if request.secret == self.secret {
            let Some(renewal) = request.renewal else {
                return Admitted::Yes;
            };
            let is_due = |since: Timestamp| since + renewal.every <= now;
            if is_due(self.secret_since) && self.offer.is_none_or(|(_, made, _)| is_due(made)) {
                self.offer = Some((renewal.candidate, now, renewal.grace));
                return Admitted::WithAnOffer;
            }
            return Admitted::Yes;
        }
        if let Some((_, _, offered)) = (self.offer).filter(|(secret, ..)| *secret == request.secret)
        {
            let grace = request.renewal.map_or(offered, |renewal| renewal.grace);
            self.previous = Some((self.secret, now + grace));
            self.secret = request.secret;
            self.secret_since = now;
            self.offer = None;
            return Admitted::Promoted;
        }
        let in_grace = |(secret, until)| secret == request.secret && now < until;
        if self.previous.is_some_and(in_grace) {
            Admitted::Yes
        } else {
            Admitted::No
        }
    }

    fn identify(&mut self, change: &IdentityChange, now: Timestamp) {
        (self.secret, self.secret_since) = (change.secret, now);
        (self.offer, self.previous) = (None, None);
        self.epoch += 1;
        if change.new_generation {
            self.generation += 1;
            self.deadlines = deadlines(self.deadlines.created_at, self.lifetime, now);
        }
        self.login = change.login.apply(self.login.take(), now);
    }

    pub(super) fn commit<D: SessionData>(
        &mut self,
        change: &Change<D>,
        now: Timestamp,
    ) -> Result<(CommitOutcome<D>, bool), StoreError> {
        let before = self.deadlines.idle_until;
        let snapshot = |record: &Self| change.data.is_some().then(|| record.snapshot()).transpose();
        if self.commit_id == change.commit_id {
            return Ok((CommitOutcome::applied(snapshot(self)?), false));
        }
        if self.generation != change.generation {
            return Ok((CommitOutcome::Ended, false));
        }
        let data = change.data.as_ref();
        let fields = data.map(|data| data.fields_after(self.texts(), &change.format));
        let fields = fields.transpose()?.flatten();
        let base = data.and_then(|data| data.base.as_ref());
        let is_late = change.identity.is_some() && self.epoch != change.epoch;
        if is_late || base.is_some_and(|base| base.version != self.version) {
            return Ok((
                CommitOutcome::Conflict(Box::new(self.record(false)?)),
                false,
            ));
        }
        let writes = fields.is_some() || change.identity.is_some() || change.lifetime.is_some();
        if writes {
            self.commit_id = change.commit_id;
        }
        if let Some(fields) = fields {
            self.version += 1;
            self.fields = texts_of(fields);
        }
        if let Some(identity) = &change.identity {
            self.identify(identity, now);
        }
        if let Some(lifetime) = change.lifetime {
            self.lifetime = lifetime;
            self.deadlines = deadlines(self.deadlines.created_at, lifetime, now);
        }
        self.deadlines.idle_until = now + self.lifetime.idle();
        if self.awaits_first_use {
            self.deadlines.idle_until = self.deadlines.idle_until.min(before);
        }
        Ok((CommitOutcome::applied(snapshot(self)?), writes))
    }
}

fn texts_of(fields: EncodedFields) -> BTreeMap<String, String> {
    (fields.into_iter())
        .map(|(name, text)| (name, text.get().to_owned()))
        .collect()
}

/// Whether a load may read the record, and what it wrote.
#[derive(PartialEq, Eq)]
pub(super) enum Admitted {
    No,
    Yes,
    Promoted,
    WithAnOffer,
}

fn deadlines(created_at: Timestamp, lifetime: Lifetime, now: Timestamp) -> Deadlines {
    Deadlines {
        created_at,
        idle_until: now + lifetime.idle(),
        absolute_until: now + lifetime.absolute(),
    }
}
