//! A store of encoded fields, as one on a server would be: it keeps a JSON text and a revision for
//! each top-level field, and never looks into the text. Its lock is its transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use connect_session::store::{
    Change, CommitId, Committed, Deadlines, EncodedFields, IdentityChange, Inserted, Key, Lifetime,
    LoadRequest, NewRecord, Patch, Record, SecretHash, Snapshot, Store, StoreError, Transport,
    decode_over_default, encode,
};
use connect_session::testing::FakeClock;
use connect_session::{SessionData, SessionId};
use serde_json::value::RawValue;

/// A clone is the same store, for whatever type of data.
#[derive(Debug, Clone)]
pub struct EncodedStore {
    clock: FakeClock,
    kept: Arc<Mutex<HashMap<Key, Kept>>>,
    writes: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Kept {
    fields: BTreeMap<String, Field>,
    version: u64,
    epoch: u64,
    generation: u64,
    commit_id: CommitId,
    secret: SecretHash,
    secret_since: SystemTime,
    offer: Option<(SecretHash, SystemTime)>,
    previous: Option<(SecretHash, SystemTime)>,
    transport: Transport,
    lifetime: Lifetime,
    deadlines: Deadlines,
    subject: Option<Arc<str>>,
}

#[derive(Debug)]
struct Field {
    json: String,
    revision: u64,
}

impl EncodedStore {
    pub fn new(clock: FakeClock) -> Self {
        Self {
            clock,
            kept: Arc::default(),
            writes: Arc::default(),
        }
    }

    /// How many times a record was written, touches included.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The text of each field.
    pub fn fields(&self, id: &str) -> BTreeMap<String, String> {
        let kept = self.kept.lock().unwrap();
        let record = kept.iter().find(|(key, _)| key.id.to_string() == id);
        let fields = record.map(|(_, record)| &record.fields);
        (fields.into_iter().flatten())
            .map(|(name, field)| (name.clone(), field.json.clone()))
            .collect()
    }

    /// Overwrites the text of a field, as somebody with access to the server could.
    pub fn poke(&self, id: &str, name: &str, json: &str) {
        let id: SessionId = id.parse().unwrap();
        let mut kept = self.kept.lock().unwrap();
        let (_, record) = kept.iter_mut().find(|(key, _)| key.id == id).unwrap();
        let field = Field {
            json: json.to_owned(),
            revision: record.version,
        };
        record.fields.insert(name.to_owned(), field);
    }

    /// Loses everything.
    pub fn clear(&self) {
        self.kept.lock().unwrap().clear();
    }

    /// Runs a verb on the record, if it is alive.
    fn with<R>(&self, key: Key, verb: impl FnOnce(&mut Kept, SystemTime) -> R) -> Option<R> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap();
        let record = kept.get_mut(&key).filter(|record| record.is_alive(now))?;
        Some(verb(record, now))
    }

    fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Kept {
    fn new<D: SessionData>(new: &NewRecord<D>, now: SystemTime) -> Result<Self, StoreError> {
        let fields = encode(&*new.data, Some(new.max_size))?;
        let field = |text: &RawValue| Field {
            json: text.get().to_owned(),
            revision: 1,
        };
        Ok(Self {
            fields: fields
                .iter()
                .map(|(name, text)| (name.clone(), field(text)))
                .collect(),
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
            deadlines: deadlines(now, new.lifetime, now),
            subject: new.subject.clone(),
        })
    }

    fn is_alive(&self, now: SystemTime) -> bool {
        now < self.deadlines.expires_at()
    }

    fn slide(&mut self, now: SystemTime) {
        self.deadlines.idle_until = now + self.lifetime.idle;
    }

    fn snapshot<D: SessionData>(&self) -> Result<Snapshot<D>, StoreError> {
        let text = |field: &Field| RawValue::from_string(field.json.clone()).unwrap();
        let fields: EncodedFields = self
            .fields
            .iter()
            .map(|(name, field)| (name.clone(), text(field)))
            .collect();
        let data =
            decode_over_default(&fields).map_err(|(field, source)| StoreError::Undecodable {
                field,
                source: source.into(),
            })?;
        let revisions = self
            .fields
            .iter()
            .map(|(name, field)| (name.clone(), field.revision));
        Ok(Snapshot {
            data: Arc::new(data),
            version: self.version,
            revisions: Some(Arc::new(revisions.collect())),
        })
    }

    fn record<D: SessionData>(&self, renewed: bool) -> Result<Record<D>, StoreError> {
        Ok(Record {
            snapshot: self.snapshot()?,
            epoch: self.epoch,
            generation: self.generation,
            commit_id: self.commit_id,
            deadlines: self.deadlines,
            subject: self.subject.clone(),
            renewed,
        })
    }

    /// Whether the secret opens the record; an offered one becomes the current one.
    fn admit(&mut self, request: &LoadRequest, now: SystemTime) -> Admitted {
        if request.transport != self.transport {
            return Admitted::No;
        }
        if request.secret == self.secret {
            let Some(renewal) = request.renewal else {
                return Admitted::Yes;
            };
            let is_due = |since: SystemTime| since + renewal.every <= now;
            if is_due(self.secret_since) && self.offer.is_none_or(|(_, made)| is_due(made)) {
                self.offer = Some((renewal.candidate, now));
                return Admitted::WithAnOffer;
            }
            return Admitted::Yes;
        }
        if self
            .offer
            .is_some_and(|(secret, _)| secret == request.secret)
        {
            let grace = request
                .renewal
                .map_or(Duration::ZERO, |renewal| renewal.grace);
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

    /// Whether every field that the patch writes is what the patch is based on.
    fn is_current(&self, patch: &Patch) -> bool {
        let revision = |name: &str| self.fields.get(name).map(|field| field.revision);
        patch.replace_all
            || (patch
                .set
                .iter()
                .all(|field| revision(&field.name) == field.base)
                && patch
                    .remove
                    .iter()
                    .all(|(name, base)| revision(name) == Some(*base)))
    }

    fn write(&mut self, patch: Patch) {
        self.version += 1;
        if patch.replace_all {
            self.fields.clear();
        }
        for (name, _) in patch.remove {
            self.fields.remove(&name);
        }
        for field in patch.set {
            let new = Field {
                json: field.json,
                revision: self.version,
            };
            self.fields.insert(field.name, new);
        }
    }

    fn identify(&mut self, change: &IdentityChange, now: SystemTime) {
        (self.secret, self.secret_since) = (change.secret, now);
        (self.offer, self.previous) = (None, None);
        self.epoch += 1;
        if change.new_generation {
            self.generation += 1;
            self.deadlines = deadlines(self.deadlines.created_at, self.lifetime, now);
        }
        if let Some(subject) = &change.subject {
            self.subject.clone_from(subject);
        }
    }

    fn commit<D: SessionData>(
        &mut self,
        change: &Change<D>,
        now: SystemTime,
    ) -> Result<(Committed<D>, bool), StoreError> {
        let shown = |kept: &Self| change.data.is_some().then(|| kept.snapshot()).transpose();
        if self.commit_id == change.commit_id {
            return Ok((Committed::Applied(shown(self)?), false));
        }
        if self.generation != change.generation {
            return Ok((Committed::Gone, false));
        }
        let patch = change.data.as_ref().map(|data| data.patch()).transpose()?;
        let is_late = change.identity.is_some() && self.epoch != change.epoch;
        if is_late || patch.as_ref().is_some_and(|patch| !self.is_current(patch)) {
            return Ok((Committed::Conflict(Box::new(self.record(false)?)), false));
        }
        let patch = patch.filter(|patch| !patch.is_empty());
        let writes = patch.is_some() || change.identity.is_some() || change.lifetime.is_some();
        if writes {
            self.commit_id = change.commit_id;
        }
        if let Some(patch) = patch {
            self.write(patch);
        }
        if let Some(identity) = &change.identity {
            self.identify(identity, now);
        }
        if let Some(lifetime) = change.lifetime {
            self.lifetime = lifetime;
            self.deadlines = deadlines(self.deadlines.created_at, lifetime, now);
        }
        self.slide(now);
        Ok((Committed::Applied(shown(self)?), writes))
    }
}

/// Whether a load may see the record, and what it wrote.
#[derive(PartialEq, Eq)]
enum Admitted {
    No,
    Yes,
    Promoted,
    WithAnOffer,
}

fn deadlines(created_at: SystemTime, lifetime: Lifetime, now: SystemTime) -> Deadlines {
    Deadlines {
        created_at,
        idle_until: now + lifetime.idle,
        absolute_until: now + lifetime.absolute,
    }
}

impl<D: SessionData> Store<D> for EncodedStore {
    async fn insert(&self, key: Key, new: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        let now = self.clock.now();
        let record = Kept::new(new, now)?;
        let snapshot = record.snapshot()?;
        let mut kept = self.kept.lock().unwrap();
        if kept.get(&key).is_some_and(|record| record.is_alive(now)) {
            return Ok(Inserted::Exists);
        }
        kept.insert(key, record);
        self.wrote();
        Ok(Inserted::Done {
            snapshot,
            evicted: Vec::new(),
        })
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let record = self.with(key, |record, now| {
            let admitted = record.admit(request, now);
            if admitted == Admitted::No {
                return Ok(None);
            }
            let every = request.touch_every.unwrap_or(record.lifetime.idle / 10);
            let touched = record.deadlines.idle_until - record.lifetime.idle;
            let touch = touched + every <= now;
            if touch {
                record.slide(now);
            }
            if touch || admitted != Admitted::Yes {
                self.wrote();
            }
            record.record(admitted == Admitted::WithAnOffer).map(Some)
        });
        record.unwrap_or(Ok(None))
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        match self.with(key, |record, now| record.commit(change, now)) {
            None => Ok(Committed::Gone),
            Some(Err(error)) => Err(error),
            Some(Ok((committed, wrote))) => {
                if wrote {
                    self.wrote();
                }
                Ok(committed)
            }
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let was_alive = self.with(key, |_, _| ()).is_some();
        self.kept.lock().unwrap().remove(&key);
        self.wrote();
        Ok(was_alive)
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let kept = self.kept.lock().unwrap();
        let living = kept
            .iter()
            .filter(|(key, record)| key.namespace == namespace && record.is_alive(now));
        Ok(living.count() as u64)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap();
        let dead: Vec<Key> = kept
            .iter()
            .filter(|(_, record)| !record.is_alive(now))
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        for key in &dead {
            kept.remove(key);
        }
        Ok(dead.len())
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }
}
