//! Functions that the operations of all three stores use.

#[cfg(feature = "sqlite")]
use connect_session_runtime::data::{EncodedFields, SessionData};
#[cfg(feature = "sqlite")]
use connect_session_runtime::patch::Patch;
#[cfg(feature = "sqlite")]
use connect_session_runtime::record::{Change, NewRecord};
#[cfg(feature = "sqlite")]
use connect_session_runtime::store::{CommitOutcome, InsertOutcome};

use crate::escape::escape;

/// The outcome of an insertion that was done.
#[cfg(feature = "sqlite")]
pub(crate) fn inserted<D: SessionData>(
    record: &NewRecord<D>,
    fields: &EncodedFields,
) -> InsertOutcome<D> {
    InsertOutcome::Done {
        snapshot: record.into_snapshot(fields),
        evicted: Vec::new(),
    }
}

/// The outcome of a change that was applied and left the record at this version.
#[cfg(feature = "sqlite")]
pub(crate) fn applied<D: SessionData>(
    change: &Change<D>,
    patch: Option<&Patch>,
    version: u64,
) -> CommitOutcome<D> {
    let data = change.data.as_ref().zip(patch);
    CommitOutcome::Applied(data.map(|(data, patch)| data.snapshot_after(patch, version)))
}

pub(crate) fn escaped_subject(subject: Option<&str>) -> Option<String> {
    subject.map(|subject| escape(subject).into_owned())
}
