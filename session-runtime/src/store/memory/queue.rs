//! A queue of sessions.

use std::collections::VecDeque;

use super::deferred_drop::Batch;
use super::handle::Handle;
use super::wheel::Bucket;

/// The number of handles in a chunk: a kilobyte. An allocator may keep smaller blocks for the next
/// use, and with one of them all the pages before it (glibc keeps those of up to 1,032 bytes).
const CHUNK: usize = 132;
/// The number of chunks for which a queue has memory if it has more than one: a
/// kilobyte.
const CHUNKS: usize = 36;

type Chunk = VecDeque<Handle>;

/// A first-in, first-out queue in chunks. A single list would move all handles when it grows, under
/// a lock.
#[derive(Default)]
pub(super) struct Queue {
    first: Chunk,
    more: VecDeque<Chunk>,
    len: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, handle: Handle) {
        self.len += 1;
        let last = self.more.back_mut().unwrap_or(&mut self.first);
        if last.len() < CHUNK {
            if last.capacity() == 0 {
                last.reserve_exact(CHUNK);
            }
            return last.push_back(handle);
        }
        let mut chunk = Chunk::with_capacity(CHUNK);
        chunk.push_back(handle);
        if self.more.capacity() == 0 {
            self.more.reserve_exact(CHUNKS);
        }
        self.more.push_back(chunk);
    }

    /// The oldest handle.
    pub(super) fn front(&self) -> Option<Handle> {
        self.first.front().copied()
    }

    /// Takes the oldest handle.
    pub(super) fn pop(&mut self, freed: &mut Batch<Freed>) -> Option<Handle> {
        let handle = self.first.pop_front()?;
        self.len -= 1;
        if self.first.is_empty() {
            let next = self.more.pop_front().unwrap_or_default();
            let chunk = std::mem::replace(&mut self.first, next);
            freed.push(Freed::Chunk { _chunk: chunk });
            self.shrink(freed);
        }
        Some(handle)
    }

    /// Shrinks the list of chunks if it is mostly unused.
    fn shrink(&mut self, freed: &mut Batch<Freed>) {
        let (room, used) = (self.more.capacity(), self.more.len());
        if room > 0 && (used == 0 || (room > 2 * CHUNKS && used < room / 8)) {
            let mut more = VecDeque::with_capacity(used * 2);
            more.append(&mut self.more);
            let list = std::mem::replace(&mut self.more, more);
            freed.push(Freed::Chunks { _list: list });
        }
    }

    /// The number of handles and chunks for which there is memory.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.first.capacity() + self.more.capacity()
    }

    #[cfg(test)]
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.first.iter().chain(self.more.iter().flatten()).copied()
    }
}

/// Memory of the schedule that is no longer needed. Drop it after the lock is released: an allocator
/// may take a millisecond to return pages to the system.
pub(super) enum Freed {
    Chunk { _chunk: Chunk },
    Chunks { _list: VecDeque<Chunk> },
    Buckets { _list: VecDeque<Bucket> },
}
