//! The sessions that nobody has presented yet, in the order of their creation.

use super::deferred_drop::Batch;
use super::handle::Handle;
use super::queue::{Freed, Queue};

/// A queue of the sessions that a full store may evict, oldest first. A session that may no longer be
/// evicted stays until somebody looks at it.
#[derive(Default)]
pub(super) struct Unpresented {
    /// The older ones: those that the current check has found evictable.
    checked: Queue,
    rest: Queue,
}

impl Unpresented {
    pub(super) fn len(&self) -> usize {
        self.checked.len() + self.rest.len()
    }

    pub(super) fn push(&mut self, handle: Handle) {
        self.rest.push(handle);
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.checked.room() + self.rest.room()
    }

    #[cfg(test)]
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.checked.handles().chain(self.rest.handles())
    }

    /// Takes the oldest one.
    pub(super) fn pop(&mut self, freed: &mut Batch<Freed>) -> Option<Handle> {
        self.checked.pop(freed).or_else(|| self.rest.pop(freed))
    }

    /// Takes the next one that a check of all reaches. One check follows the other.
    pub(super) fn take_unchecked(&mut self, freed: &mut Batch<Freed>) -> Option<Handle> {
        if self.rest.len() == 0 {
            std::mem::swap(&mut self.checked, &mut self.rest);
        }
        self.rest.pop(freed)
    }

    /// Puts the one that was just taken back in its place.
    pub(super) fn keep(&mut self, handle: Handle) {
        self.checked.push(handle);
    }
}
