//! A heap over the sessions of a shard.

use super::entries::Entries;
use super::entry::By;
use super::shrink::moved_to;

/// The number of children of a node. A heap with four has half as many levels as one with two, and
/// the CPU fetches all four at the same time.
const BRANCHES: usize = 4;

/// A min-heap of indexes into [`Entries`]. Each session stores its own position in the heap, so
/// that any session can be removed, not only the first.
pub(super) struct Heap {
    by: By,
    places: Vec<u32>,
}

impl Heap {
    pub(super) const fn new(by: By) -> Self {
        let places = Vec::new();
        Self { by, places }
    }

    /// Moves the heap to a list with room for `room` sessions.
    pub(super) fn moved_to(&mut self, room: usize) -> Self {
        let places = moved_to(&mut self.places, room);
        Self { places, ..*self }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of the first session.
    pub(super) fn first(&self) -> Option<u32> {
        self.places.first().copied()
    }

    /// Inserts the session at `place`, which is not in the heap.
    pub(super) fn insert<D>(&mut self, entries: &mut Entries<D>, place: u32) {
        self.places.push(place);
        self.rise(entries, self.places.len() - 1);
    }

    /// Removes the session at `place`, if it is in the heap.
    pub(super) fn remove<D>(&mut self, entries: &mut Entries<D>, place: u32) {
        let Some(at) = entries.get(place).and_then(|entry| entry.position(self.by)) else {
            return;
        };
        self.places.swap_remove(at);
        self.settle(entries, at);
        if let Some(entry) = entries.get_mut(place) {
            entry.set_position(self.by, None);
        }
    }

    /// Restores the order after the key of the session at `place` has changed.
    pub(super) fn update<D>(&mut self, entries: &mut Entries<D>, place: u32) {
        if let Some(at) = entries.get(place).and_then(|entry| entry.position(self.by)) {
            self.settle(entries, at);
        }
    }

    /// Records that a session has moved to `place`.
    pub(super) fn moved<D>(&mut self, entries: &Entries<D>, place: u32) {
        let at = entries.get(place).and_then(|entry| entry.position(self.by));
        if let Some(slot) = at.and_then(|at| self.places.get_mut(at)) {
            *slot = place;
        }
    }

    /// Moves the element at `at` to its place in the order.
    fn settle<D>(&mut self, entries: &mut Entries<D>, at: usize) {
        if at < self.places.len() {
            let at = self.rise(entries, at);
            self.sink(entries, at);
        }
    }

    /// Moves the element up, and returns its new position.
    fn rise<D>(&mut self, entries: &mut Entries<D>, mut at: usize) -> usize {
        let place = self.places[at];
        let key = self.key(entries, place);
        while at > 0 {
            let parent = (at - 1) / BRANCHES;
            let above = self.places[parent];
            if self.key(entries, above) <= key {
                break;
            }
            self.put(entries, at, above);
            at = parent;
        }
        self.put(entries, at, place);
        at
    }

    /// Moves the element down.
    fn sink<D>(&mut self, entries: &mut Entries<D>, mut at: usize) {
        let place = self.places[at];
        let key = self.key(entries, place);
        loop {
            let below = at * BRANCHES + 1;
            let end = self.places.len().min(below + BRANCHES);
            let lowest = (below..end)
                .map(|at| (self.key(entries, self.places[at]), at))
                .min();
            match lowest {
                Some((lowest, child)) if lowest < key => {
                    self.put(entries, at, self.places[child]);
                    at = child;
                }
                _ => break,
            }
        }
        self.put(entries, at, place);
    }

    fn put<D>(&mut self, entries: &mut Entries<D>, at: usize, place: u32) {
        self.places[at] = place;
        if let Some(entry) = entries.get_mut(place) {
            entry.set_position(self.by, Some(at));
        }
    }

    fn key<D>(&self, entries: &Entries<D>, place: u32) -> u128 {
        entries.get(place).map_or(0, |entry| entry.key(self.by))
    }
}
