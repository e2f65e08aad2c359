//! The results and errors of a store's operations.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::data::{DecodeError, EncodeError};
use crate::printable;
use crate::record::{Record, Snapshot};
use crate::sid::SessionId;

/// The cause of an error, of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The result of [`Store::insert`](super::Store::insert).
#[derive(Debug)]
pub enum InsertOutcome<D> {
    /// The record is stored.
    Done {
        /// The stored data, as the base of a later change.
        snapshot: Snapshot<D>,
        /// The sessions that a full store removed to make room.
        evicted: Vec<SessionId>,
        /// The sessions that ended because the subject may have no more.
        ended: Vec<SessionId>,
    },
    /// A living record has this id; nothing was written.
    Exists,
    /// The login is refused; nothing was written.
    Refused(LoginRefusal),
}

/// The result of [`Store::load`](super::Store::load).
///
/// A store that only tells found records from unknown ones can convert an `Option`:
///
/// ```
/// use connect_session::store::{LoadOutcome, Record};
///
/// fn outcome<D>(found: Option<Record<D>>) -> LoadOutcome<D> {
///     found.into()
/// }
/// ```
#[derive(Debug)]
pub enum LoadOutcome<D> {
    /// The record, as it is after the load.
    Found(Record<D>),
    /// There is no living record with this key, or the presented secret does not open it.
    Unknown,
    /// The session ended because its user logged in elsewhere and may have no more sessions, and the
    /// presented secret would have opened it.
    Replaced,
    /// The presented secret is the one that a renewal replaced, and its grace period is over. The record
    /// was neither read nor extended.
    Reused {
        /// The user that the session belongs to.
        subject: Option<Arc<str>>,
    },
}

impl<D> LoadOutcome<D> {
    /// The record, if it was found.
    #[must_use]
    pub fn found(self) -> Option<Record<D>> {
        match self {
            Self::Found(record) => Some(record),
            Self::Unknown | Self::Replaced | Self::Reused { .. } => None,
        }
    }
}

/// [`Found`](LoadOutcome::Found) or [`Unknown`](LoadOutcome::Unknown).
impl<D> From<Option<Record<D>>> for LoadOutcome<D> {
    fn from(found: Option<Record<D>>) -> Self {
        found.map_or(Self::Unknown, Self::Found)
    }
}

/// The result of [`Store::commit`](super::Store::commit).
#[derive(Debug)]
pub enum CommitOutcome<D> {
    /// The change is applied, now or by an earlier call.
    Applied {
        /// If the change has data: the stored data, as the base of a later change.
        snapshot: Option<Snapshot<D>>,
        /// The sessions that ended because the subject may have no more.
        ended: Vec<SessionId>,
    },
    /// Something that the change is based on has changed; nothing was written. The record as it
    /// is.
    Conflict(Box<Record<D>>),
    /// The session has ended; nothing was written.
    Ended,
    /// The login is refused; nothing was written.
    Refused(LoginRefusal),
}

impl<D> CommitOutcome<D> {
    /// A change that is applied, and ended no other session.
    #[must_use]
    pub const fn applied(snapshot: Option<Snapshot<D>>) -> Self {
        Self::Applied {
            snapshot,
            ended: Vec::new(),
        }
    }
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRefusal {
    /// All sessions of the subject were ended after its login had begun.
    Revoked,
    /// The subject has as many sessions as it may have.
    TooManySessions,
}

/// Why an operation of a store failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused the operation; nothing was written.
    Unavailable(BoxError),
    /// The store did not confirm in time; the change may or may not have been written.
    OutcomeUnknown(BoxError),
    /// The store has no room for another session.
    Full,
    /// The store cannot keep this, now or later, such as text that its encoding lacks; nothing was
    /// written.
    Unstorable(BoxError),
    /// The record cannot be read, or its data does not match the type of the session. It is left as it
    /// is. If the `source` is a [`DecodeError`], the record is alive, the presented secret opens it,
    /// and only its data does not decode: `on_undecodable: replace` applies.
    Undecodable {
        /// The top-level field that does not match, if known. `Display` escapes and shortens it.
        field: Option<String>,
        /// The reason. It must not contain stored values, which may be secret.
        source: BoxError,
    },
    /// A newer version of the program wrote the data of the record. This one cannot decode it, or must
    /// not write into it; nothing was written.
    NewerData {
        /// The version of the data.
        version: u32,
        /// The latest version that this program knows.
        current: u32,
    },
    /// The data cannot be encoded, or is too large; nothing was written.
    Encode(EncodeError),
}

impl StoreError {
    /// Whether a living record was found with the right secret, and may be ended because its data does not decode.
    /// It may not if a sealed field cannot be opened: the operator may have forgotten a key, and the session can be
    /// read once the key is back.
    pub(crate) fn is_replaceable(&self) -> bool {
        matches!(self, Self::Undecodable { source, .. }
            if source.downcast_ref().is_some_and(|error: &DecodeError| !error.is_not_opened()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "the session store is not available",
            Self::OutcomeUnknown(_) => {
                "the session store did not confirm whether the change was written"
            }
            Self::Full => "the session store is full",
            Self::Unstorable(_) => "the session store cannot keep the session",
            Self::Undecodable { field: None, .. } => "the stored session cannot be decoded",
            Self::Undecodable {
                field: Some(name), ..
            } => {
                let name = printable::name(name);
                return write!(f, "the stored session cannot be decoded: field `{name}`");
            }
            Self::NewerData { version, current } => {
                return write!(
                    f,
                    "the data of the session has version {version}, and this program knows versions up \
                     to {current}; a newer program, which knows it, can change it"
                );
            }
            Self::Encode(error) => return error.fmt(f),
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source)
            | Self::OutcomeUnknown(source)
            | Self::Unstorable(source)
            | Self::Undecodable { source, .. } => Some(&**source),
            Self::Full | Self::NewerData { .. } => None,
            Self::Encode(error) => error.source(),
        }
    }
}

impl From<EncodeError> for StoreError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable {
            field: error.field().map(str::to_owned),
            source: error.into(),
        }
    }
}
