//! Removing sessions that have ended, and evicting sessions from a full store.

use std::sync::atomic::Ordering;

use super::deferred_drop::DeferredDrop;
use super::entry::Entry;
use super::records::{Records, Schedule};
use crate::sid::SessionId;
use crate::yield_now::yield_now;

/// The number of sessions that a sweep looks at under one lock, in some microseconds.
pub(super) const SLICE: usize = 16;
/// The number of slices, some hundred microseconds, after which a sweep yields to other tasks.
const SLICES_AT_ONCE: usize = 64;
/// The number of sessions that a creation looks at, and of places in the schedule that it checks.
const PASSING: usize = 2;
/// The number of sessions that a creation in a full store looks at to find one that has ended, and
/// again to find one that may be evicted: some ten microseconds together.
const FULL: usize = 64;
/// How often a request sweeps, in milliseconds.
const SWEEP_EVERY: u64 = 10;
/// How often a request sweeps if more sessions are due, in milliseconds.
const SWEEP_BEHIND: u64 = 1;

impl<D> Records<D> {
    /// Lets a creation look at a few sessions, so that a store in use never holds many ended ones.
    #[inline]
    pub(super) fn sweep_in_passing(
        &self,
        schedule: &mut Schedule,
        now: u64,
        deferred: &mut DeferredDrop<'_, D>,
    ) {
        if schedule.wheel.is_due(now) {
            self.look_at_due(schedule, PASSING, now, deferred);
        }
        self.compact(schedule, PASSING, deferred);
        self.drop_tombstones(PASSING, now, deferred);
    }

    /// Drops up to `limit` tombstones whose time is over, or whose room sessions have taken.
    #[inline]
    fn drop_tombstones(&self, limit: usize, now: u64, deferred: &mut DeferredDrop<'_, D>) -> usize {
        let room = self.capacity.saturating_sub(self.counts.places());
        (self.tombstones).drop_old(room, limit, now, &mut deferred.freed)
    }

    /// Every few milliseconds, lets the calling request sweep a slice. So a store in use frees memory
    /// without a background task.
    #[inline]
    pub(super) fn maybe_sweep(&self, now: u64) {
        let next = self.next_sweep.load(Ordering::Relaxed);
        if now >= next {
            self.sweep_some(next, now);
        }
    }

    #[cold]
    fn sweep_some(&self, next: u64, now: u64) {
        let claim = |next, then: u64| {
            (self
                .next_sweep
                .compare_exchange(next, then, Ordering::AcqRel, Ordering::Relaxed))
            .is_ok()
        };
        let then = now.saturating_add(SWEEP_EVERY);
        if claim(next, then) && self.sweep_slice(SLICE, now).is_due {
            claim(then, now.saturating_add(SWEEP_BEHIND));
        }
    }

    /// Keeps requests from sweeping while a full sweep runs.
    fn postpone_sweep(&self) {
        // Two intervals; with one, a request could sweep whenever a new millisecond begins.
        let then = self.clock.millis().saturating_add(2 * SWEEP_BEHIND);
        // Usually nothing changes; not writing leaves the cache line to other threads.
        if self.next_sweep.load(Ordering::Relaxed) < then {
            self.next_sweep.fetch_max(then, Ordering::AcqRel);
        }
    }

    /// Removes up to `limit` sessions that have ended, and returns their number.
    pub(super) async fn sweep_all(&self, limit: usize) -> usize {
        let now = self.clock.millis();
        let mut removed = 0;
        for slices in 1_usize.. {
            let slice = SLICE.min(limit - removed);
            if slice == 0 {
                break;
            }
            if slice == SLICE {
                self.postpone_sweep();
            }
            let swept = self.sweep_slice(slice, now);
            removed += swept.removed;
            if !swept.has_more {
                break;
            }
            if slices % SLICES_AT_ONCE == 0 {
                yield_now().await;
            }
        }
        if limit == usize::MAX {
            (0..self.shards()).for_each(|_| self.shrink_next());
        }
        removed
    }

    /// Looks at up to `limit` sessions that are due, and tidies up as much.
    fn sweep_slice(&self, limit: usize, now: u64) -> Swept {
        let mut deferred = DeferredDrop::new(self);
        let mut schedule = self.schedule();
        self.look_at_due(&mut schedule, limit, now, &mut deferred);
        self.compact(&mut schedule, limit, &mut deferred);
        let has_more_tombstones = self.drop_tombstones(limit, now, &mut deferred) == limit;
        let is_due = schedule.wheel.is_due(now);
        let has_more = is_due
            || has_more_tombstones
            || self.is_wheel_outdated(&schedule)
            || self.is_queue_outdated(&schedule);
        drop(schedule);
        // While sessions are removed, a smaller table would soon be too large again.
        if !has_more {
            self.shrink_next();
        }
        Swept {
            removed: deferred.sessions.len(),
            is_due,
            has_more,
        }
    }

    /// Looks at up to `limit` sessions in buckets that are due: moves those that have ended to
    /// `deferred`, and files the rest anew.
    fn look_at_due(
        &self,
        schedule: &mut Schedule,
        limit: usize,
        now: u64,
        deferred: &mut DeferredDrop<'_, D>,
    ) {
        for _ in 0..limit {
            let Some((bucket, handle)) = schedule.wheel.take_due(now, &mut deferred.freed) else {
                return;
            };
            let mut next = None;
            let ended = self.remove_if(handle, |entry| {
                if entry.bucket != bucket {
                    return false;
                }
                let is_alive = entry.is_alive(now);
                next = is_alive.then(|| entry.file(now));
                !is_alive
            });
            if let Some(ended) = ended {
                deferred.sessions.push(ended);
            }
            if let Some(next) = next {
                schedule.wheel.file(next, handle);
            }
        }
    }

    /// Checks up to `limit` entries in each part of the schedule where most are outdated, and drops the
    /// outdated ones.
    #[inline]
    fn compact(&self, schedule: &mut Schedule, limit: usize, deferred: &mut DeferredDrop<'_, D>) {
        if self.is_wheel_outdated(schedule) {
            self.compact_wheel(schedule, limit, deferred);
        }
        if self.is_queue_outdated(schedule) {
            self.compact_queue(schedule, limit, deferred);
        }
    }

    fn is_wheel_outdated(&self, schedule: &Schedule) -> bool {
        schedule.wheel.len() > 2 * self.counts.places()
    }

    fn is_queue_outdated(&self, schedule: &Schedule) -> bool {
        schedule.unpresented.len() > 2 * self.counts.evictable()
    }

    fn compact_wheel(
        &self,
        schedule: &mut Schedule,
        limit: usize,
        deferred: &mut DeferredDrop<'_, D>,
    ) {
        for _ in 0..limit {
            let Some((bucket, handle)) = schedule.wheel.take_unchecked(&mut deferred.freed) else {
                return;
            };
            if (self.map.get(&handle)).is_some_and(|entry| entry.bucket == bucket) {
                schedule.wheel.file(bucket, handle);
            }
        }
    }

    fn compact_queue(
        &self,
        schedule: &mut Schedule,
        limit: usize,
        deferred: &mut DeferredDrop<'_, D>,
    ) {
        for _ in 0..limit {
            let Some(handle) = schedule.unpresented.take_unchecked(&mut deferred.freed) else {
                return;
            };
            if (self.map.get_mut(&handle)).is_some_and(|mut entry| entry.update_queued()) {
                schedule.unpresented.keep(handle);
            }
        }
    }

    /// Makes room for one more session: removes one that has ended or, if there is none, evicts the
    /// oldest one that may be evicted and returns its id. `None` if neither is found.
    pub(super) fn make_room(&self) -> Option<Vec<SessionId>> {
        let now = self.clock.millis();
        let mut deferred = DeferredDrop::new(self);
        let mut schedule = self.schedule();
        for _ in 0..FULL {
            if deferred.sessions.len() > 0 || !schedule.wheel.is_due(now) {
                break;
            }
            self.look_at_due(&mut schedule, 1, now, &mut deferred);
        }
        let evicted = if deferred.sessions.len() == 0 {
            self.evict(&mut schedule, now, &mut deferred)
        } else {
            None
        };
        drop(schedule);
        let has_room = deferred.sessions.len() > 0 || self.counts.places() < self.capacity;
        has_room.then(|| evicted.into_iter().collect())
    }

    /// Moves the oldest session that may be evicted to `deferred`. Returns its id, unless it had ended.
    fn evict(
        &self,
        schedule: &mut Schedule,
        now: u64,
        deferred: &mut DeferredDrop<'_, D>,
    ) -> Option<SessionId> {
        for _ in 0..FULL {
            if self.counts.evictable() == 0 {
                return None;
            }
            let handle = schedule.unpresented.pop(&mut deferred.freed)?;
            if let Some(evicted) = self.remove_if(handle, Entry::update_queued) {
                let id = (evicted.1.is_alive(now)).then(|| handle.id(evicted.1.head));
                deferred.sessions.push(evicted);
                return id;
            }
        }
        None
    }
}

/// The result of sweeping a slice.
struct Swept {
    /// The number of sessions that were removed.
    removed: usize,
    /// Whether more sessions are due.
    is_due: bool,
    /// Whether there is more to do.
    has_more: bool,
}
