//! The replies of the scripts.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;

use connect_session_runtime::data::SessionData;
use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::printable;
use connect_session_runtime::record::{CommitId, Deadlines, Lifetime, Record};
use connect_session_runtime::store::StoreError;
use connect_session_runtime::timestamp::Timestamp;

/// Whether a script has written something that must not be lost. A load that offers a new secret
/// has; a load that only extends the idle deadline has not.
pub(super) fn has_written(reply: &Value) -> bool {
    let Value::Array(values) = reply else {
        return false;
    };
    match values.first() {
        Some(Value::BulkString(outcome)) => match outcome.as_slice() {
            b"done" | b"applied" | b"destroyed" => true,
            b"record" => values.last() != Some(&Value::Int(0)),
            _ => false,
        },
        _ => false,
    }
}

/// The reply of a script: the outcome, the server's time, and values that depend on the outcome.
pub(super) struct Reply {
    pub(super) outcome: String,
    pub(super) now: Timestamp,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(values) = value else {
            return Err(undecodable("the script's reply is not a list"));
        };
        let mut rest = values.into_iter();
        let outcome = text(rest.next())?;
        let now = Timestamp::from_millis(number(rest.next())?);
        let mut reply = Self { outcome, now, rest };
        if reply.outcome == "undecodable" {
            let reason = text(reply.rest.next())?;
            return Err(undecodable(&format!(
                "its key holds a value that this version cannot read as a session, and that was left \
                 unchanged: {reason}"
            )));
        }
        Ok(reply)
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        number(self.rest.next())
    }

    pub(super) fn stored_record(&mut self) -> Result<StoredRecord, StoreError> {
        StoredRecord::read(self.rest.next())
    }

    pub(super) fn unexpected(&self) -> StoreError {
        undecodable(&format!(
            "the script replied with the unknown outcome `{}`",
            printable::name(&self.outcome)
        ))
    }
}

/// A record as stored in the hash.
pub(super) struct StoredRecord {
    /// The fields `m:…`, by their names without the prefix.
    meta: HashMap<String, Vec<u8>>,
    /// The fields `d:…`.
    fields: StoredFields,
}

impl StoredRecord {
    fn read(value: Option<Value>) -> Result<Self, StoreError> {
        let Some(Value::Array(values)) = value else {
            return Err(undecodable("the record is not a list of fields"));
        };
        let mut stored = Self {
            meta: HashMap::new(),
            fields: StoredFields::default(),
        };
        let mut values = values.into_iter();
        while let (Some(field), Some(value)) = (values.next(), values.next()) {
            let field = text(Some(field))?;
            let value = bytes(value)?;
            if let Some(name) = field.strip_prefix("d:") {
                stored.data(name, value)?;
            } else if let Some(name) = field.strip_prefix("m:") {
                stored.meta.insert(name.to_owned(), value);
            }
        }
        Ok(stored)
    }

    /// Adds a field of the data: its revision, a space, its JSON text.
    fn data(&mut self, name: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let value = String::from_utf8(value).ok();
        let parts = value.as_deref().and_then(|value| value.split_once(' '));
        let parts = parts.and_then(|(revision, json)| Some((revision.parse().ok()?, json)));
        let Some((revision, json)) = parts else {
            return Err(StoreError::Undecodable {
                field: Some(printable::name(name)),
                source: "it is not a revision followed by JSON text".into(),
            });
        };
        self.fields
            .insert(name.to_owned(), json.to_owned(), revision)
    }

    pub(super) fn into_record<D: SessionData>(
        mut self,
        renewed: bool,
    ) -> Result<Record<D>, StoreError> {
        let commit = self.meta.remove("commit").unwrap_or_default();
        let commit =
            <[u8; 16]>::try_from(commit).map_err(|_| undecodable("m:commit is not an id"))?;
        let subject = self.meta.remove("subject").map(|subject| {
            let subject = String::from_utf8(subject);
            subject.map_err(|_| undecodable("m:subject is not UTF-8"))
        });
        Ok(Record {
            epoch: self.number("epoch")?,
            generation: self.number("generation")?,
            commit_id: CommitId::from_bytes(commit),
            deadlines: Deadlines {
                created_at: self.timestamp("created")?,
                idle_until: self.timestamp("idle_until")?,
                absolute_until: self.timestamp("absolute_until")?,
            },
            lifetime: Lifetime::from_millis(self.number("idle")?, self.number("absolute")?),
            subject: subject.transpose()?.map(Arc::from),
            renewed,
            snapshot: self.fields.snapshot(number_of(&self.meta, "version")?)?,
        })
    }

    fn number(&self, name: &str) -> Result<u64, StoreError> {
        number_of(&self.meta, name)
    }

    fn timestamp(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.number(name).map(Timestamp::from_millis)
    }
}

fn number_of(meta: &HashMap<String, Vec<u8>>, name: &str) -> Result<u64, StoreError> {
    let value = meta
        .get(name)
        .and_then(|value| std::str::from_utf8(value).ok());
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| undecodable(&format!("m:{name} is not a number")))
}

fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(undecodable("a text is missing in the script's reply")),
    }
}

fn text(value: Option<Value>) -> Result<String, StoreError> {
    let bytes = bytes(value.unwrap_or(Value::Nil))?;
    String::from_utf8(bytes).map_err(|_| undecodable("the name of a field is not UTF-8"))
}

fn number(value: Option<Value>) -> Result<u64, StoreError> {
    match value {
        Some(Value::Int(number)) => u64::try_from(number).ok(),
        Some(other) => text(Some(other))?.parse().ok(),
        None => None,
    }
    .ok_or_else(|| undecodable("a number is missing in the script's reply"))
}

fn undecodable(reason: &str) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: reason.into(),
    }
}
