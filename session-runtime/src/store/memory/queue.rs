//! A queue of sessions.

use std::collections::VecDeque;

use super::handle::Handle;
use super::waste::Pile;
use super::wheel::Bucket;

/// The number of handles in a chunk: 4 KiB.
const CHUNK: usize = 512;

type Chunk = VecDeque<Handle>;

/// A first-in, first-out queue in chunks. A single list would move all handles when it grows, under
/// a lock.
#[derive(Default)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    len: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, handle: Handle) {
        self.len += 1;
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => last.push_back(handle),
            // A first chunk grows on demand: many queues have a few handles only.
            None => self.chunks.push_back(Chunk::from([handle])),
            Some(_) => {
                let mut chunk = Chunk::with_capacity(CHUNK);
                chunk.push_back(handle);
                self.chunks.push_back(chunk);
            }
        }
    }

    /// The number of chunks for which there is memory.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.chunks.capacity()
    }

    #[cfg(test)]
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.chunks.iter().flatten().copied()
    }

    /// Takes the oldest handle.
    pub(super) fn pop(&mut self, freed: &mut Pile<Freed>) -> Option<Handle> {
        let first = self.chunks.front_mut()?;
        let handle = first.pop_front()?;
        self.len -= 1;
        if first.is_empty() {
            if let Some(chunk) = self.chunks.pop_front() {
                freed.push(Freed::Chunk { _chunk: chunk });
            }
            self.shrink(freed);
        }
        Some(handle)
    }

    /// Shrinks the list of chunks if it is mostly unused.
    fn shrink(&mut self, freed: &mut Pile<Freed>) {
        const SMALL: usize = 16;
        let (room, used) = (self.chunks.capacity(), self.chunks.len());
        if used == 0 || (room > SMALL && used < room / 8) {
            let mut chunks = VecDeque::with_capacity(used * 2);
            chunks.append(&mut self.chunks);
            let list = std::mem::replace(&mut self.chunks, chunks);
            freed.push(Freed::Chunks { _list: list });
        }
    }
}

/// Memory of the schedule that is no longer needed. Drop it after the lock is released: an allocator
/// may take a millisecond to return pages to the system.
pub(super) enum Freed {
    Chunk { _chunk: Chunk },
    Chunks { _list: VecDeque<Chunk> },
    Buckets { _list: VecDeque<Bucket> },
}
