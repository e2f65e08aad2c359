//! The sessions of a shard, side by side and without a hole.

use super::entry::{Entry, Owned};
use super::moved_to;

/// How many sessions a block holds.
const BLOCK: usize = 16;

/// A list of sessions in small blocks. A `Vec` would move them all when it grows, under the lock,
/// and be half empty after it; and each by itself in a `Box` would have to be pointed at by every
/// index, where four bytes name a place here.
pub(super) struct Entries<D> {
    blocks: Vec<Vec<Entry<D>>>,
}

/// What is left of a session that was taken out, and the block that is empty without it.
pub(super) struct Taken<D> {
    _session: Owned<D>,
    _block: Option<Vec<Entry<D>>>,
}

impl<D> Entries<D> {
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// The same sessions in a list that has room for so many.
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

    /// Puts a session at the end, and says where that is; `None` beyond the last place.
    pub(super) fn push(&mut self, entry: Entry<D>) -> Option<u32> {
        let place = u32::try_from(self.len()).ok()?;
        if let Some(last) = self.blocks.last_mut().filter(|last| last.len() < BLOCK) {
            last.push(entry);
        } else {
            // The first grows as it has to: many stores have but a few sessions in a shard.
            let room = if self.blocks.is_empty() { 0 } else { BLOCK };
            let mut block = Vec::with_capacity(room);
            block.push(entry);
            self.blocks.push(block);
        }
        Some(place)
    }

    /// Takes a session out. The last one moves to its place, if it is another.
    pub(super) fn swap_remove(&mut self, place: u32) -> Option<Taken<D>> {
        self.get(place)?;
        let last = self.blocks.last_mut()?.pop()?;
        let taken = match self.get_mut(place) {
            Some(entry) => std::mem::replace(entry, last),
            None => last,
        };
        // The first block stays: a shard with a session now and then need not ask for it anew.
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
