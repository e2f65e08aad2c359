//! What is kept for a session, and what a verb does to it.
//!
//! It travels as one text under one key of tower-sessions' map: whatever a store does with keys and
//! values, it has nothing to misunderstand.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record as TowerRecord};

use connect_session_runtime::clock::millis;
use connect_session_runtime::data::{EncodeError, SessionData};
use connect_session_runtime::patch::{Patch, StoredFields};
use connect_session_runtime::record::{
    Change, CommitId, DataChange, Deadlines, IdentityChange, Key, Lifetime, LoadRequest, NewRecord,
    Record, Renewal, Snapshot, Transport,
};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;
use connect_session_runtime::timestamp::Timestamp;

/// The only key of the map.
const KEY: &str = "connect-session";

/// The last millisecond of the year 9999, the last that tower-sessions' dates have.
const FAR: u64 = 253_402_300_799_999;

/// A session. All times are milliseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    namespace: String,
    secret: [u8; 32],
    secret_since: u64,
    offer: Option<Offer>,
    previous: Option<Previous>,
    cookie: bool,
    pub(super) version: u64,
    epoch: u64,
    generation: u64,
    commit_id: [u8; 16],
    created: u64,
    idle: u64,
    idle_until: u64,
    absolute: u64,
    absolute_until: u64,
    subject: Option<String>,
    fields: BTreeMap<String, Field>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Field {
    json: String,
    revision: u64,
}

/// A secret that was offered, and the grace that its first use gives to the one before.
#[derive(Clone, Serialize, Deserialize)]
struct Offer {
    secret: [u8; 32],
    made: u64,
    grace: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Previous {
    secret: [u8; 32],
    until: u64,
}

/// Whether a load may see the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// As it is.
    AsItIs,
    /// And has written something.
    Changed,
    /// And has made an offer.
    Renewed,
}

/// A [`Change`] without its type, so that it can be taken along into a task.
pub(super) struct Plan {
    pub(super) commit_id: CommitId,
    pub(super) epoch: u64,
    pub(super) generation: u64,
    pub(super) patch: Option<Result<Patch, EncodeError>>,
    pub(super) identity: Option<IdentityChange>,
    pub(super) lifetime: Option<Lifetime>,
}

/// What became of it. Where the record was not changed it is shown as it is.
pub(super) enum Outcome {
    Applied { version: u64, patch: Option<Patch> },
    Repeated(Kept),
    Conflict(Kept),
    Ended,
}

impl Plan {
    pub(super) fn of<D: SessionData>(change: &Change<D>) -> Self {
        Self {
            commit_id: change.commit_id,
            epoch: change.epoch,
            generation: change.generation,
            patch: change.data.as_ref().map(DataChange::patch),
            identity: change.identity.clone(),
            lifetime: change.lifetime,
        }
    }
}

/// To and from what tower-sessions keeps.
impl Kept {
    pub(super) fn new<D: SessionData>(
        key: Key,
        new: &NewRecord<D>,
        now: u64,
    ) -> Result<(Self, Snapshot<D>), StoreError> {
        let fields = new.fields()?;
        let field = |json: &str| Field {
            json: json.to_owned(),
            revision: 1,
        };
        let mut kept = Self {
            namespace: key.namespace.to_owned(),
            secret: *new.secret.as_bytes(),
            secret_since: now,
            offer: None,
            previous: None,
            cookie: new.transport == Transport::Cookie,
            version: 1,
            epoch: 0,
            generation: 0,
            commit_id: new.commit_id.to_bytes(),
            created: now,
            idle: 0,
            idle_until: 0,
            absolute: 0,
            absolute_until: 0,
            subject: new.subject.as_deref().map(str::to_owned),
            fields: (fields.iter())
                .map(|(name, text)| (name.clone(), field(text.get())))
                .collect(),
        };
        kept.live_for(new.lifetime, now);
        Ok((kept, new.into_snapshot(&fields)))
    }

    /// The session in a record, if it is of this namespace and alive.
    pub(super) fn read(
        record: &TowerRecord,
        namespace: &str,
        now: u64,
    ) -> Result<Option<Self>, StoreError> {
        let kept = Self::parse(record).ok_or_else(|| StoreError::Undecodable {
            field: None,
            source: "something else than this library wrote the record".into(),
        })?;
        let is_it = kept.namespace == namespace && now < kept.deadline();
        Ok(is_it.then_some(kept))
    }

    /// Whether the record is a session, of any namespace, that has ended.
    pub(super) fn has_ended(record: &TowerRecord, now: u64) -> bool {
        Self::parse(record).is_some_and(|kept| kept.deadline() <= now)
    }

    fn parse(record: &TowerRecord) -> Option<Self> {
        let text = record.data.get(KEY)?.as_str()?;
        // What serde says of it could quote the user's values.
        serde_json::from_str(text).ok()
    }

    pub(super) fn write(&self, id: Id) -> Result<TowerRecord, StoreError> {
        let text = serde_json::to_string(self).map_err(EncodeError::from)?;
        // Some stores keep whole seconds: they are to forget it no earlier than is promised.
        let seconds = i64::try_from(self.deadline().div_ceil(1_000)).unwrap_or(i64::MAX);
        Ok(TowerRecord {
            id,
            data: HashMap::from([(KEY.to_owned(), text.into())]),
            expiry_date: OffsetDateTime::from_unix_timestamp(seconds)
                .unwrap_or(PrimitiveDateTime::MAX.assume_utc()),
        })
    }

    pub(super) fn record<D: SessionData>(&self, renewed: bool) -> Result<Record<D>, StoreError> {
        Ok(Record {
            snapshot: self.snapshot()?,
            epoch: self.epoch,
            generation: self.generation,
            commit_id: CommitId::from_bytes(self.commit_id),
            deadlines: Deadlines {
                created_at: Timestamp::from_millis(self.created),
                idle_until: Timestamp::from_millis(self.idle_until),
                absolute_until: Timestamp::from_millis(self.absolute_until),
            },
            lifetime: Lifetime::from_millis(self.idle, self.absolute),
            subject: self.subject.as_deref().map(Arc::from),
            renewed,
        })
    }

    pub(super) fn snapshot<D: SessionData>(&self) -> Result<Snapshot<D>, StoreError> {
        let mut fields = StoredFields::default();
        for (name, field) in &self.fields {
            fields.insert(name.clone(), field.json.clone(), field.revision)?;
        }
        fields.snapshot(self.version)
    }
}

/// What the verbs do.
impl Kept {
    /// Lets a load in, or not, and does what it has to write.
    pub(super) fn admit(&mut self, request: &LoadRequest, now: u64) -> Option<Admitted> {
        if self.cookie != (request.transport == Transport::Cookie) {
            return None;
        }
        let mut admitted = self.admit_secret(request, now)?;
        let every = (request.touch_every.map(millis))
            .filter(|every| *every < self.idle)
            .unwrap_or(self.idle / 10);
        let touched = self.idle_until.saturating_sub(self.idle);
        if now.saturating_sub(touched) >= every.max(1) {
            self.slide(now);
            if admitted == Admitted::AsItIs {
                admitted = Admitted::Changed;
            }
        }
        Some(admitted)
    }

    fn admit_secret(&mut self, request: &LoadRequest, now: u64) -> Option<Admitted> {
        let is = |secret: &[u8; 32]| SecretHash::from_bytes(*secret) == request.secret;
        if is(&self.secret) {
            let renewed = request
                .renewal
                .is_some_and(|renewal| self.renew(&renewal, now));
            return Some(if renewed {
                Admitted::Renewed
            } else {
                Admitted::AsItIs
            });
        }
        if let Some(offer) = self.offer.take_if(|offer| is(&offer.secret)) {
            let grace = (request.renewal).map_or(offer.grace, |renewal| millis(renewal.grace));
            self.previous = Some(Previous {
                secret: self.secret,
                until: now.saturating_add(grace),
            });
            (self.secret, self.secret_since) = (offer.secret, now);
            return Some(Admitted::Changed);
        }
        let previous = self.previous.as_ref()?;
        (is(&previous.secret) && now < previous.until).then_some(Admitted::AsItIs)
    }

    fn renew(&mut self, renewal: &Renewal, now: u64) -> bool {
        let is_old = |since: u64| now.saturating_sub(since) >= millis(renewal.every);
        let is_due = is_old(self.secret_since)
            && (self.offer.as_ref()).is_none_or(|offer| is_old(offer.made));
        if is_due {
            self.offer = Some(Offer {
                secret: *renewal.candidate.as_bytes(),
                made: now,
                grace: millis(renewal.grace),
            });
        }
        is_due
    }

    /// Applies a change, or says why not; the record is alive.
    pub(super) fn commit(&mut self, plan: Plan, now: u64) -> Result<Outcome, StoreError> {
        if self.commit_id == plan.commit_id.to_bytes() {
            return Ok(Outcome::Repeated(self.clone()));
        }
        if self.generation != plan.generation {
            return Ok(Outcome::Ended);
        }
        let patch = plan.patch.transpose()?;
        let is_late = plan.identity.is_some() && self.epoch != plan.epoch;
        if is_late || !patch.as_ref().is_none_or(|patch| self.is_current(patch)) {
            return Ok(Outcome::Conflict(self.clone()));
        }
        self.commit_id = plan.commit_id.to_bytes();
        if let Some(patch) = patch.as_ref().filter(|patch| !patch.is_empty()) {
            self.patch(patch);
        }
        if let Some(identity) = plan.identity {
            self.identify(&identity, now);
        }
        match plan.lifetime {
            Some(lifetime) => self.live_for(lifetime, now),
            None => self.slide(now),
        }
        let version = self.version;
        Ok(Outcome::Applied { version, patch })
    }

    /// Whether every field that the patch writes is what the patch is based on.
    fn is_current(&self, patch: &Patch) -> bool {
        let revision = |name: &str| self.fields.get(name).map(|field| field.revision);
        let mut removed = patch.remove.iter();
        let mut set = patch.set.iter();
        patch.replace_all
            || (set.all(|field| revision(&field.name) == field.base)
                && removed.all(|(name, base)| revision(name) == Some(*base)))
    }

    fn patch(&mut self, patch: &Patch) {
        self.version += 1;
        if patch.replace_all {
            self.fields.clear();
        }
        for (name, _) in &patch.remove {
            self.fields.remove(name);
        }
        for field in &patch.set {
            let new = Field {
                json: field.json.clone(),
                revision: self.version,
            };
            self.fields.insert(field.name.clone(), new);
        }
    }

    fn identify(&mut self, identity: &IdentityChange, now: u64) {
        (self.secret, self.secret_since) = (*identity.secret.as_bytes(), now);
        (self.offer, self.previous) = (None, None);
        self.epoch += 1;
        if identity.new_generation {
            self.generation += 1;
            self.absolute_until = now.saturating_add(self.absolute).min(FAR);
        }
        let before = self.subject.take().map(Arc::from);
        let after = identity.subject.apply(before);
        self.subject = after.as_deref().map(str::to_owned);
    }

    fn live_for(&mut self, lifetime: Lifetime, now: u64) {
        (self.idle, self.absolute) = (lifetime.idle_millis(), lifetime.absolute_millis());
        self.absolute_until = now.saturating_add(self.absolute).min(FAR);
        self.slide(now);
    }

    fn slide(&mut self, now: u64) {
        self.idle_until = now.saturating_add(self.idle).min(FAR);
    }

    fn deadline(&self) -> u64 {
        self.idle_until.min(self.absolute_until)
    }
}
