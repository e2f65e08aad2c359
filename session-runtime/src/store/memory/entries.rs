//! The sessions of a shard, stored without gaps.

use super::entry::{Entry, Owned};
use super::shrink::moved_to;

/// How many sessions a block holds.
const BLOCK: usize = 16;

/// A list of sessions in small blocks. A `Vec` would move them all when it grows, under the lock,
/// and be half empty afterwards. With one `Box` per session, every index would need an 8-byte
/// pointer; here it needs a 4-byte place.
pub(super) struct Entries<D> {
    blocks: Vec<Vec<Entry<D>>>,
}

/// The parts of a removed session, and its block if that is now empty; to be dropped without a
/// lock.
pub(super) struct Taken<D> {
    _session: Owned<D>,
    _block: Option<Vec<Entry<D>>>,
}

impl<D> Entries<D> {
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// Moves the sessions to a list with room for `room` of them.
    pub(super) fn moved_to(&mut self, room: usize) -> Self {
        let blocks = moved_to(&mut self.blocks, room / BLOCK);
        Self { blocks }
    }

    pub(super) fn len(&self) -> usize {
        // All blocks but the last are full.
        (self.blocks.last()).map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Entry<D>> {
        let place = place as usize;
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Entry<D>> {
        let place = place as usize;
        self.blocks.get_mut(place / BLOCK)?.get_mut(place % BLOCK)
    }

    /// Appends a session and returns its place; `None` if the list is full.
    pub(super) fn push(&mut self, entry: Entry<D>) -> Option<u32> {
        let place = u32::try_from(self.len()).ok()?;
        if let Some(last) = self.blocks.last_mut().filter(|last| last.len() < BLOCK) {
            last.push(entry);
        } else {
            // The first block grows on demand: many stores have only a few sessions per shard.
            let room = if self.blocks.is_empty() { 0 } else { BLOCK };
            let mut block = Vec::with_capacity(room);
            block.push(entry);
            self.blocks.push(block);
        }
        Some(place)
    }

    /// Removes a session. The last session moves to its place.
    pub(super) fn swap_remove(&mut self, place: u32) -> Option<Taken<D>> {
        self.get(place)?;
        let last = self.blocks.last_mut()?.pop()?;
        let taken = match self.get_mut(place) {
            Some(entry) => std::mem::replace(entry, last),
            None => last,
        };
        // Keeps the first block, for shards that only have a session now and then.
        let mut block = None;
        if self.blocks.len() > 1 && self.blocks.last().is_some_and(Vec::is_empty) {
            block = self.blocks.pop();
        }
        Some(Taken {
            _session: taken.into_owned(),
            _block: block,
        })
    }
}
