//! The form in which a session is stored, and how it is changed.
//!
//! A session is one JSON text under one key of the record's map, because tower-sessions stores treat
//! keys and values differently.

mod format;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions_core::session::{Id, Record as TowerRecord};

use self::format::Format;
use connect_session_runtime::data::{EncodeError, SessionData};
use connect_session_runtime::patch::{Patch, StoredFields};
use connect_session_runtime::record::{
    Change, DataChange, Key, LoadRequest, NewRecord, Record, Snapshot,
};
use connect_session_runtime::store::state::{LoadEffects, RecordState, Verdict};
use connect_session_runtime::store::{LoadOutcome, StoreError};

/// The only key of the map.
const KEY: &str = "connect-session";

/// A session. All times are milliseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Format", into = "Format")]
pub(super) struct StoredRecord {
    namespace: String,
    state: RecordState,
    fields: BTreeMap<String, Field>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Field {
    json: String,
    revision: u64,
}

/// A [`Change`] that does not depend on the type of the data, so that a task can own it.
pub(super) struct EncodedChange {
    change: Change<()>,
    patch: Option<Result<Patch, EncodeError>>,
}

/// The result of a change. `AlreadyApplied` and `Conflict` contain the unchanged record.
pub(super) enum Outcome {
    Applied { version: u64, patch: Option<Patch> },
    AlreadyApplied(StoredRecord),
    Conflict(StoredRecord),
    Ended,
}

impl EncodedChange {
    pub(super) fn new<D: SessionData>(change: &Change<D>) -> Self {
        Self {
            change: change.without_data(),
            patch: change.data.as_ref().map(DataChange::patch),
        }
    }
}

/// Conversions from and to tower-sessions' records.
impl StoredRecord {
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
        let stored = Self {
            namespace: key.namespace.to_owned(),
            state: RecordState::new(new, now),
            fields: (fields.iter())
                .map(|(name, text)| (name.clone(), field(text.get())))
                .collect(),
        };
        Ok((stored, new.into_snapshot(&fields)))
    }

    /// The session in a record, if it belongs to this namespace and is alive.
    pub(super) fn read(
        record: &TowerRecord,
        namespace: &str,
        now: u64,
    ) -> Result<Option<Self>, StoreError> {
        let stored = Self::parse(record).ok_or_else(|| StoreError::Undecodable {
            field: None,
            source: "the record was not written by connect-session".into(),
        })?;
        let is_found = stored.namespace == namespace && stored.state.is_alive(now);
        Ok(is_found.then_some(stored))
    }

    /// Whether the record is a session, of any namespace, that has ended.
    pub(super) fn has_ended(record: &TowerRecord, now: u64) -> bool {
        Self::parse(record).is_some_and(|stored| !stored.state.is_alive(now))
    }

    fn parse(record: &TowerRecord) -> Option<Self> {
        let text = record.data.get(KEY)?.as_str()?;
        // serde's error is dropped, because it can quote the user's values.
        serde_json::from_str(text).ok()
    }

    pub(super) fn write(&self, id: Id) -> Result<TowerRecord, StoreError> {
        let text = serde_json::to_string(self).map_err(EncodeError::from)?;
        // Some stores keep whole seconds. Round up, so that no record is removed before its deadline.
        let seconds = i64::try_from(self.state.deadline().div_ceil(1_000)).unwrap_or(i64::MAX);
        Ok(TowerRecord {
            id,
            data: HashMap::from([(KEY.to_owned(), text.into())]),
            expiry_date: OffsetDateTime::from_unix_timestamp(seconds)
                .unwrap_or(PrimitiveDateTime::MAX.assume_utc()),
        })
    }

    /// The outcome of a load that does not find the session.
    pub(super) fn not_found<D>(&self, request: &LoadRequest, now: u64) -> LoadOutcome<D> {
        self.state.not_found(request, now)
    }

    pub(super) fn record<D: SessionData>(&self, renewed: bool) -> Result<Record<D>, StoreError> {
        Ok(self.state.record(self.snapshot()?, renewed))
    }

    pub(super) fn snapshot<D: SessionData>(&self) -> Result<Snapshot<D>, StoreError> {
        let mut fields = StoredFields::default();
        for (name, field) in &self.fields {
            fields.insert(name.clone(), field.json.clone(), field.revision)?;
        }
        fields.snapshot(self.state.version)
    }
}

/// The operations.
impl StoredRecord {
    /// Applies the effects of a load, and returns them. Returns `None` if the load does not find the
    /// session.
    pub(super) fn load(&mut self, request: &LoadRequest, now: u64) -> Option<LoadEffects> {
        let effects = self.state.on_load(request, now)?;
        self.state.apply_load(effects, request, now);
        Some(effects)
    }

    /// Applies a change, unless the check of the record forbids it.
    pub(super) fn commit(
        &mut self,
        encoded: EncodedChange,
        now: u64,
    ) -> Result<Outcome, StoreError> {
        let EncodedChange { change, patch } = encoded;
        // Data that cannot be encoded only fails a change that would otherwise be applied.
        let mut encoded = Ok(None);
        let verdict = self.state.check(&change, now, || true);
        if matches!(verdict, Verdict::Apply | Verdict::Conflict) {
            encoded = patch.transpose();
        }
        let patch = encoded?;
        let is_current = || patch.as_ref().is_none_or(|patch| self.is_current(patch));
        match self.state.check(&change, now, is_current) {
            Verdict::Ended => return Ok(Outcome::Ended),
            Verdict::AlreadyApplied => return Ok(Outcome::AlreadyApplied(self.clone())),
            Verdict::Conflict => return Ok(Outcome::Conflict(self.clone())),
            Verdict::Apply => {}
        }
        let written = patch.as_ref().filter(|patch| !patch.is_empty());
        self.state.apply(&change, written.is_some(), now);
        if let Some(patch) = written {
            self.patch(patch);
        }
        let version = self.state.version;
        Ok(Outcome::Applied { version, patch })
    }

    /// Whether every field that the patch writes still has the revision that the patch is based on.
    fn is_current(&self, patch: &Patch) -> bool {
        let revision = |name: &str| self.fields.get(name).map(|field| field.revision);
        let mut removed = patch.remove.iter();
        let mut set = patch.set.iter();
        patch.replace_all
            || (set.all(|field| revision(&field.name) == field.base)
                && removed.all(|(name, base)| revision(name) == Some(*base)))
    }

    /// Writes the fields; each gets the record's version as its revision.
    fn patch(&mut self, patch: &Patch) {
        if patch.replace_all {
            self.fields.clear();
        }
        for (name, _) in &patch.remove {
            self.fields.remove(name);
        }
        for field in &patch.set {
            let new = Field {
                json: field.json.clone(),
                revision: self.state.version,
            };
            self.fields.insert(field.name.clone(), new);
        }
    }
}
