//! The number of sessions in a store.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of places that are taken, and how many of the sessions there a full store may evict.
/// One word, so that one atomic operation changes both: the places are its lower half.
/// On cache lines of its own, so that creations do not slow down reads.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Counts(AtomicU64);

const PLACE: u64 = 1;
const EVICTABLE: u64 = 1 << 32;

/// The largest number that a half can count.
pub(super) const MOST: usize = u32::MAX as usize;

impl Counts {
    /// The number of places that are taken: at least the number of sessions in the map.
    pub(super) fn places(&self) -> usize {
        (self.0.load(Ordering::Acquire) % EVICTABLE) as usize
    }

    /// The number of sessions that may be evicted.
    pub(super) fn evictable(&self) -> usize {
        (self.0.load(Ordering::Acquire) / EVICTABLE) as usize
    }

    /// Takes a place, if fewer than `capacity` are taken.
    pub(super) fn take(&self, capacity: usize, is_evictable: bool) -> bool {
        let has_room = |counts: u64| ((counts % EVICTABLE) as usize) < capacity;
        let added = of(is_evictable);
        let more = |counts| has_room(counts).then(|| counts + added);
        (self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more))
        .is_ok()
    }

    /// Frees the place of a session that was removed from the map.
    pub(super) fn free(&self, was_evictable: bool) {
        self.0.fetch_sub(of(was_evictable), Ordering::AcqRel);
    }

    /// Counts a session anew that may be evicted now and could not before, or vice versa.
    pub(super) fn change(&self, was_evictable: bool, is_evictable: bool) {
        match (was_evictable, is_evictable) {
            (true, false) => drop(self.0.fetch_sub(EVICTABLE, Ordering::AcqRel)),
            (false, true) => drop(self.0.fetch_add(EVICTABLE, Ordering::AcqRel)),
            _ => {}
        }
    }
}

fn of(is_evictable: bool) -> u64 {
    PLACE + if is_evictable { EVICTABLE } else { 0 }
}
