//! The replies of the scripts.

use redis::Value;

use connect_session_runtime::printable;
use connect_session_runtime::store::StoreError;

use super::failure::Failure;
use super::header::undecodable;
use super::member::Member;
use super::stored::StoredRecord;

/// Whether a command has written something that must not be lost. A load that promotes or offers a
/// secret has; a load that only extends the idle deadline has not.
pub(super) fn has_written(reply: &Value) -> bool {
    match reply {
        // `SET`, and the removal of a record.
        Value::Okay | Value::Int(1) => true,
        Value::Array(values) => match values.as_slice() {
            [Value::BulkString(outcome), ..] if outcome == b"applied" => true,
            [_, _, _, Value::Int(secrets_changed), ..] => *secrets_changed == 1,
            _ => false,
        },
        _ => false,
    }
}

/// The reply of a script: the outcome, and values that depend on the outcome.
pub(super) struct Reply {
    pub(super) outcome: String,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(values) = value else {
            return Err(unexpected("it is not a list"));
        };
        let mut rest = values.into_iter();
        let outcome = match rest.next() {
            Some(Value::BulkString(outcome)) => String::from_utf8(outcome).unwrap_or_default(),
            _ => return Err(unexpected("it has no outcome")),
        };
        Ok(Self { outcome, rest })
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        match self.rest.next() {
            Some(Value::Int(number)) => u64::try_from(number).ok(),
            _ => None,
        }
        .ok_or_else(|| unexpected("a number is missing"))
    }

    pub(super) fn text(&mut self) -> String {
        match self.rest.next() {
            Some(Value::BulkString(text)) => String::from_utf8(text).unwrap_or_default(),
            _ => String::new(),
        }
    }

    pub(super) fn member(&mut self) -> Result<Member, StoreError> {
        let member = self.rest.next();
        let member = member.and_then(|value| Member::read(&value));
        member.ok_or_else(|| unexpected("a member is missing"))
    }

    /// The members of an index; none if there is no list.
    pub(super) fn members(&mut self) -> Vec<Member> {
        match self.rest.next() {
            Some(Value::Array(values)) => values.iter().filter_map(Member::read).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn stored_record(&mut self) -> Result<StoredRecord, StoreError> {
        match self.rest.next() {
            Some(Value::BulkString(bytes)) => StoredRecord::read(bytes),
            _ => Err(unexpected("the record is missing")),
        }
    }

    pub(super) fn unknown_outcome(&self) -> StoreError {
        let outcome = printable::name(&self.outcome);
        unexpected(&format!("its outcome is `{outcome}`"))
    }
}

pub(super) fn unexpected(reason: &str) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: format!("the server's reply was not expected: {reason}").into(),
    }
}

/// The error of a command that found something other than a string under its key.
pub(super) fn foreign_key(failure: &Failure) -> Option<StoreError> {
    (failure.code() == "WRONGTYPE").then(|| undecodable("it is not a string"))
}
