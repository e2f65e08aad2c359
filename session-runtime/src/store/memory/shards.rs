//! All shards: their locks, hints that are read without a lock, sweeping and eviction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::hash::{halves, shard_of};
use super::shard::Shard;
use crate::clock::Clock;
use crate::sid::SessionId;

/// Sessions per shard in a full store. So few that growing a shard's table holds the lock for less
/// than 0.1 ms. The table is then three quarters full, and not half empty after it was doubled.
const SESSIONS_PER_SHARD: usize = 3_125;
/// The number of shards: enough that threads rarely contend, and few enough to scan their hints in
/// a microsecond or two.
const SHARDS: std::ops::RangeInclusive<usize> = 64..=4_096;
/// The number of sessions that a sweep checks under one lock, in some microseconds.
pub(super) const SLICE: usize = 16;
/// How often a request sweeps, in milliseconds.
const SWEEP_EVERY: u64 = 10;
/// How often a request sweeps after a sweep that found due sessions, in milliseconds.
const SWEEP_BEHIND: u64 = 1;
/// The hint of a shard without such a session.
const NONE: u64 = u64::MAX;

/// The number of stores that this process has built.
static STORES: AtomicU64 = AtomicU64::new(0);

pub(super) struct Shards<D> {
    /// The number of this store, unique in the process.
    pub(super) number: u64,
    slots: Box<[Padded<D>]>,
    /// For each shard, when its next session is due. Written under the shard's lock and read without
    /// it, so it is only a hint.
    due: Box<[AtomicU64]>,
    /// For each shard, the first half of the id to evict first; a hint, too.
    unpresented: Box<[AtomicU64]>,
    /// The number of reserved places; at least the number of sessions in the shards.
    records: AtomicUsize,
    pub(super) capacity: usize,
    /// When a request sweeps again.
    next_sweep: AtomicU64,
    pub(super) clock: Clock,
}

/// Aligned to its own cache lines, so that threads in different shards do not slow each other down.
#[repr(align(128))]
struct Padded<D>(RwLock<Shard<D>>);

impl<D> Padded<D> {
    fn read(&self) -> RwLockReadGuard<'_, Shard<D>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Shards<D> {
    pub(super) fn new(capacity: usize, clock: Clock) -> Self {
        let shards = (capacity / SESSIONS_PER_SHARD).clamp(*SHARDS.start(), *SHARDS.end());
        let hints = || (0..shards).map(|_| AtomicU64::new(NONE)).collect();
        Self {
            number: STORES.fetch_add(1, Ordering::Relaxed) + 1,
            slots: (0..shards).map(|_| Padded(RwLock::default())).collect(),
            due: hints(),
            unpresented: hints(),
            records: AtomicUsize::new(0),
            capacity,
            next_sweep: AtomicU64::new(0),
            clock,
        }
    }

    pub(super) fn shard_of(&self, id: &SessionId) -> usize {
        shard_of(id, self.slots.len())
    }

    pub(super) fn shards(&self) -> std::ops::Range<usize> {
        0..self.slots.len()
    }

    /// The number of sessions of a namespace. Read-locks all shards at the same time; otherwise an
    /// evicted session could be counted together with the one that replaced it.
    pub(super) fn count(&self, namespace: &str) -> u64 {
        let shards: Vec<_> = self.slots.iter().map(Padded::read).collect();
        shards.iter().map(|shard| shard.count(namespace)).sum()
    }

    /// The number of reserved places.
    pub(super) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Reads a shard. `read` must not run user code.
    pub(super) fn read<R>(&self, at: usize, read: impl FnOnce(&Shard<D>) -> R) -> R {
        read(&self.slots[at].read())
    }

    /// Changes a shard. `write` must not run user code, not even the `Drop` of replaced data; it
    /// returns such data to the caller.
    pub(super) fn write<R>(&self, at: usize, write: impl FnOnce(&mut Shard<D>) -> R) -> R {
        let mut shard = self.slots[at]
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut shard);
        publish(&self.due[at], shard.next_due());
        publish(
            &self.unpresented[at],
            shard.oldest_unpresented().map(|id| head(&id)),
        );
        result
    }

    /// Reserves the place of one session, if the store is not full.
    pub(super) fn reserve(&self) -> bool {
        let more = |records| (records < self.capacity).then_some(records + 1);
        (self
            .records
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more))
        .is_ok()
    }

    /// Releases the places of `records` sessions, which were removed from their shards.
    pub(super) fn release(&self, records: usize) {
        if records > 0 {
            self.records.fetch_sub(records, Ordering::AcqRel);
        }
    }

    /// Every few milliseconds, lets the calling request remove a few expired sessions. So a store in
    /// use frees memory without a background task.
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
        if claim(next, then)
            && let Some(at) = self.shard_with_due(now)
        {
            self.sweep_slice(at, SLICE, now);
            claim(then, now.saturating_add(SWEEP_BEHIND));
        }
    }

    /// Keeps requests from sweeping while a full sweep runs.
    pub(super) fn postpone_sweep(&self) {
        // Two intervals; with one, a request could sweep whenever a new millisecond begins.
        let then = self.clock.millis().saturating_add(2 * SWEEP_BEHIND);
        // Usually nothing changes; not writing leaves the cache line to other threads.
        if self.next_sweep.load(Ordering::Relaxed) < then {
            self.next_sweep.fetch_max(then, Ordering::AcqRel);
        }
    }

    /// Checks up to `limit` due sessions of a shard, and returns how many it removed.
    pub(super) fn sweep_slice(&self, at: usize, limit: usize, now: u64) -> usize {
        let mut ended = Vec::with_capacity(limit.min(SLICE));
        self.write(at, |shard| shard.sweep(limit, now, &mut ended));
        let count = ended.len();
        self.release(count);
        discard(ended);
        count
    }

    /// The shard with the earliest due session, if any is due.
    pub(super) fn shard_with_due(&self, now: u64) -> Option<usize> {
        let (at, due) = lowest(&self.due)?;
        (due <= now).then_some(at)
    }

    /// Makes room for one more session: removes expired sessions or, if there are none, evicts the
    /// oldest evictable session and returns its id. `None` if no session may be evicted.
    pub(super) fn make_room(&self) -> Option<Vec<SessionId>> {
        let now = self.clock.millis();
        while let Some(at) = self.shard_with_due(now) {
            if self.sweep_slice(at, SLICE, now) > 0 {
                return Some(Vec::new());
            }
        }
        while let Some((at, oldest)) = self
            .oldest_unpresented()
            .or_else(|| self.oldest_unpresented_locked())
        {
            let evicted = self.write(at, |shard| {
                (shard.is_evictable(&oldest))
                    .then(|| shard.remove(&oldest))
                    .flatten()
            });
            // It is `None` if another request has presented or removed the session in the meantime.
            if evicted.is_some() {
                self.release(1);
                discard(evicted);
                return Some(vec![oldest]);
            }
        }
        (self.records() < self.capacity).then(Vec::new)
    }

    /// The oldest evictable session and its shard, according to the hints.
    fn oldest_unpresented(&self) -> Option<(usize, SessionId)> {
        let (_, lowest) = lowest(&self.unpresented)?;
        let is_lowest = |at: &usize| self.unpresented[*at].load(Ordering::Acquire) == lowest;
        self.oldest_of(self.shards().filter(is_lowest))
    }

    /// The same, by locking every shard. An insert holds its shard's lock from the reservation of
    /// the place until the session is there, so this overlooks no evictable session.
    fn oldest_unpresented_locked(&self) -> Option<(usize, SessionId)> {
        self.oldest_of(self.shards())
    }

    fn oldest_of(&self, shards: impl Iterator<Item = usize>) -> Option<(usize, SessionId)> {
        shards
            .filter_map(|at| Some((at, self.read(at, Shard::oldest_unpresented)?)))
            .min_by_key(|(_, id)| *id)
    }
}

/// The first eight bytes of an id, mostly the time at which it was minted.
fn head(id: &SessionId) -> u64 {
    halves(id).0
}

fn publish(hint: &AtomicU64, value: Option<u64>) {
    let value = value.map_or(NONE, |value| value.min(NONE - 1));
    // Usually nothing changes; not writing leaves the cache line to other threads.
    if hint.load(Ordering::Relaxed) != value {
        hint.store(value, Ordering::Release);
    }
}

/// The shard with the lowest hint, and the hint; `None` if no shard has one.
fn lowest(hints: &[AtomicU64]) -> Option<(usize, u64)> {
    let hints = hints
        .iter()
        .map(|hint| hint.load(Ordering::Acquire))
        .enumerate();
    hints
        .min_by_key(|(_, hint)| *hint)
        .filter(|(_, hint)| *hint != NONE)
}

/// Drops values that may contain user data of other sessions. If the `Drop` of one panics, the others
/// are still dropped and the calling request continues: the panic hook has already reported it.
pub(super) fn discard<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}
