//! A queue of sessions.

use std::collections::VecDeque;

use super::handle::Handle;

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

    #[cfg(test)]
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.chunks.iter().flatten().copied()
    }

    /// Takes the oldest handle.
    pub(super) fn pop(&mut self, freed: &mut Freed) -> Option<Handle> {
        let first = self.chunks.front_mut()?;
        let handle = first.pop_front()?;
        self.len -= 1;
        if first.is_empty() {
            freed.chunks.extend(self.chunks.pop_front());
        }
        Some(handle)
    }
}

/// Memory of queues that is no longer needed. Drop it after the lock is released: an allocator may
/// take a millisecond to return pages to the system.
#[derive(Default)]
pub(super) struct Freed {
    chunks: Vec<Chunk>,
    queues: Vec<Queue>,
}

impl Freed {
    /// Adds an empty queue.
    pub(super) fn queue(&mut self, queue: Queue) {
        self.queues.push(queue);
    }
}
