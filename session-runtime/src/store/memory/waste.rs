//! What an operation took out of the store.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::entry::Entry;
use super::queue::Freed;

/// Sessions and memory to be dropped after every lock is released: dropping the data of a session
/// may run user code, and freeing memory may take the allocator long.
pub(super) struct Waste<D> {
    pub(super) sessions: Vec<Box<Entry<D>>>,
    pub(super) freed: Vec<Freed>,
}

impl<D> Default for Waste<D> {
    #[inline]
    fn default() -> Self {
        Self {
            sessions: Vec::new(),
            freed: Vec::new(),
        }
    }
}

impl<D> Drop for Waste<D> {
    #[inline]
    fn drop(&mut self) {
        if !self.sessions.is_empty() {
            discard(self.sessions.drain(..));
        }
    }
}

/// Drops values that may contain user data of other sessions. If the `Drop` of one panics, the others
/// are still dropped and the calling request continues: the panic hook has already reported it.
pub(super) fn discard<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}
