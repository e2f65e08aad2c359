//! The results and errors of a store's operations.

use crate::data::{DecodeError, EncodeError};
use crate::printable;
use crate::record::{Record, Snapshot};
use crate::sid::SessionId;

/// The cause of an error, of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of [`Store::insert`](super::Store::insert).
#[derive(Debug)]
pub enum InsertOutcome<D> {
    /// The record is stored.
    Done {
        /// The stored data, as the base of a later change.
        snapshot: Snapshot<D>,
        /// The sessions that a full store removed to make room.
        evicted: Vec<SessionId>,
    },
    /// A living record has this id; nothing was written.
    Exists,
}

/// The result of [`Store::commit`](super::Store::commit).
#[derive(Debug)]
pub enum CommitOutcome<D> {
    /// The change is applied, now or by an earlier call. If the change has data: the stored data,
    /// as the base of a later change.
    Applied(Option<Snapshot<D>>),
    /// Something that the change is based on has changed; nothing was written. The record as it
    /// is.
    Conflict(Box<Record<D>>),
    /// The session has ended; nothing was written.
    Ended,
}

/// Why an operation of a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused the operation; nothing was written.
    #[error("the session store is not available")]
    Unavailable(#[source] BoxError),
    /// The store did not confirm in time; the change may or may not have been written.
    #[error("the session store did not confirm whether the change was written")]
    OutcomeUnknown(#[source] BoxError),
    /// The store has no room for another session.
    #[error("the session store is full")]
    Full,
    /// The stored data does not match the type of the session. The record is left as it is.
    #[error("the stored session cannot be decoded{}", .field.as_ref().map(|name| format!(": field `{}`", printable::name(name))).unwrap_or_default())]
    Undecodable {
        /// The top-level field that does not match, if known. `Display` escapes and shortens it.
        field: Option<String>,
        /// The reason. It must not contain stored values, which may be secret.
        #[source]
        source: BoxError,
    },
    /// The data cannot be encoded, or is too large; nothing was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable {
            field: error.field().map(str::to_owned),
            source: error.into(),
        }
    }
}
