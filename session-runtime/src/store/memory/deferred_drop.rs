//! What an operation took out of the store.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::entry::Entry;
use super::handle::Handle;
use super::queue::Freed;
use super::records::Records;

/// Sessions and memory to be dropped after every lock is released: dropping the data of a session
/// may run user code, and freeing memory may take the allocator long.
/// The logins of the sessions are removed from the index then, too.
pub(super) struct DeferredDrop<'a, D> {
    records: &'a Records<D>,
    pub(super) sessions: Batch<(Handle, Box<Entry<D>>)>,
    pub(super) freed: Batch<Freed>,
}

impl<'a, D> DeferredDrop<'a, D> {
    #[inline]
    pub(super) const fn new(records: &'a Records<D>) -> Self {
        Self {
            records,
            sessions: Batch(Vec::new()),
            freed: Batch(Vec::new()),
        }
    }
}

impl<D> Drop for DeferredDrop<'_, D> {
    #[inline]
    fn drop(&mut self) {
        for (handle, session) in self.sessions.0.drain(..) {
            self.records.unfile_removed(handle, &session);
            discard([session]);
        }
    }
}

/// A list that has either no memory or some kilobytes. An allocator may keep a small block for the
/// next use, and with it all the pages before it (glibc keeps those of up to 1,032 bytes).
pub(super) struct Batch<T>(Vec<T>);

impl<T> Batch<T> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, value: T) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(2_048 / size_of::<T>().max(1));
        }
        self.0.push(value);
    }
}

/// Drops values that may contain user data of other sessions. If the `Drop` of one panics, the others
/// are still dropped and the calling request continues: the panic hook has already reported it.
pub(super) fn discard<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}
