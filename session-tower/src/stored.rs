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
use connect_session_runtime::data::{DataFormat, EncodeError, EncodedFields, SessionData};
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
    fields: Texts,
}

/// The JSON text of each field.
type Texts = BTreeMap<String, String>;

/// A [`Change`] that does not depend on the type of the data, so that a task can own it.
pub(super) struct EncodedChange {
    change: Change<()>,
    /// The version of the data that it is based on.
    base: Option<u64>,
    /// All fields after it, if it changes one.
    fields: Result<Option<Texts>, StoreError>,
}

/// The result of a change. `AlreadyApplied` and `Conflict` contain the unchanged record.
pub(super) enum Outcome {
    /// The version, and all fields if it has changed one, as [`Snapshot::bytes`] has them.
    Applied {
        version: u64,
        fields: Option<Vec<u8>>,
    },
    AlreadyApplied(StoredRecord),
    Conflict(StoredRecord),
    Ended,
}

impl EncodedChange {
    pub(super) fn new<D: SessionData>(change: &Change<D>) -> Self {
        let data = change.data.as_ref();
        let base = data.and_then(|data| data.base.as_ref());
        Self {
            change: change.without_data(),
            base: base.map(|base| base.version),
            fields: data.map_or(Ok(None), |data| fields_after(data, &change.format)),
        }
    }
}

fn fields_after<D: SessionData>(
    data: &DataChange<D>,
    format: &DataFormat,
) -> Result<Option<Texts>, StoreError> {
    let stored = data.base.as_ref().and_then(Snapshot::bytes);
    let stored: Texts = serde_json::from_slice(stored.unwrap_or(b"{}"))
        .map_err(|error| StoreError::Encode(error.into()))?;
    let stored = stored.iter().map(|(name, text)| (&**name, &**text));
    Ok(data.fields_after(stored, format)?.map(texts_of))
}

fn texts_of(fields: EncodedFields) -> Texts {
    (fields.into_iter())
        .map(|(name, text)| (name, text.get().to_owned()))
        .collect()
}

/// The fields, as a snapshot keeps them.
fn bytes_of(fields: &Texts) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(fields).map_err(|error| StoreError::Encode(error.into()))
}

/// Conversions from and to tower-sessions' records.
impl StoredRecord {
    pub(super) fn new<D: SessionData>(
        key: Key,
        new: &NewRecord<D>,
        now: u64,
    ) -> Result<(Self, Snapshot<D>), StoreError> {
        let stored = Self {
            namespace: key.namespace.to_owned(),
            state: RecordState::new(new, now),
            fields: texts_of(new.fields()?),
        };
        let bytes = bytes_of(&stored.fields)?;
        Ok((stored, Snapshot::with_bytes(new.data.clone(), 1, bytes)))
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

    pub(super) fn record<D: SessionData>(
        &self,
        renewed: bool,
        format: &DataFormat,
    ) -> Result<Record<D>, StoreError> {
        Ok(self.state.record(self.snapshot(format)?, renewed))
    }

    pub(super) fn snapshot<D: SessionData>(
        &self,
        format: &DataFormat,
    ) -> Result<Snapshot<D>, StoreError> {
        let fields = self.fields.iter();
        let fields = fields.map(|(name, text)| (&**name, &**text));
        // The version of the data is not kept, so it counts as the current one.
        let read = format.decode(fields, format.current)?;
        let bytes = bytes_of(&self.fields)?;
        Ok(Snapshot::with_bytes(read.data, self.state.version, bytes))
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
        let EncodedChange {
            change,
            base,
            fields,
        } = encoded;
        let is_current = || base.is_none_or(|base| base == self.state.version);
        let verdict = self.state.check(&change, now, is_current);
        match verdict {
            Verdict::Ended => return Ok(Outcome::Ended),
            Verdict::AlreadyApplied => return Ok(Outcome::AlreadyApplied(self.clone())),
            Verdict::Conflict | Verdict::Apply => {}
        }
        // Data that cannot be encoded only fails a change that might otherwise be applied.
        let fields = fields?;
        if verdict == Verdict::Conflict {
            return Ok(Outcome::Conflict(self.clone()));
        }
        self.state.apply(&change, fields.is_some(), now);
        let version = self.state.version;
        let bytes = fields.as_ref().map(bytes_of).transpose()?;
        if let Some(fields) = fields {
            self.fields = fields;
        }
        Ok(Outcome::Applied {
            version,
            fields: bytes,
        })
    }
}
