//! Conflict detection: the counters that a change is compared with, and the result.

use crate::record::{Change, CommitId};

/// Identifies the state of a record that a change is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitStamp {
    /// The last change that was applied.
    pub commit_id: CommitId,
    /// Raised by every identity change; a new record has 0.
    pub epoch: u64,
    /// Raised by every identity change that begins a new generation; a new record has 0.
    pub generation: u64,
}

/// The result of checking a change; see [`Store::commit`](crate::store::Store::commit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The record has ended, or another generation has begun: nothing is written.
    Ended,
    /// The change was applied before: nothing is written, and the answer is the same as then.
    AlreadyApplied,
    /// Something that the change is based on has changed: nothing is written.
    Conflict,
    /// The change is to be applied.
    Apply,
}

impl CommitStamp {
    /// The stamp of a new record.
    #[inline]
    #[must_use]
    pub const fn new(commit_id: CommitId) -> Self {
        Self {
            commit_id,
            epoch: 0,
            generation: 0,
        }
    }

    /// Checks a change of a living record. `is_current` returns whether the stored data still is
    /// the base of the change; it is only called if all other checks pass.
    #[inline]
    pub fn check<D>(&self, change: &Change<D>, is_current: impl FnOnce() -> bool) -> Verdict {
        if self.commit_id == change.commit_id {
            Verdict::AlreadyApplied
        } else if self.generation != change.generation {
            Verdict::Ended
        } else if (change.identity.is_some() && self.epoch != change.epoch) || !is_current() {
            Verdict::Conflict
        } else {
            Verdict::Apply
        }
    }

    /// Applies a change. Counters wrap: they are only compared for equality.
    #[inline]
    pub fn apply<D>(&mut self, change: &Change<D>) {
        self.commit_id = change.commit_id;
        if let Some(identity) = &change.identity {
            self.epoch = self.epoch.wrapping_add(1);
            self.generation = (self.generation).wrapping_add(identity.new_generation.into());
        }
    }
}
