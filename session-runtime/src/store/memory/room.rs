//! The shards together: their locks, what is known of them without a lock, and who gives way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::hash::{halves, shard_of};
use super::shard::Shard;
use crate::clock::Clock;
use crate::sid::SessionId;

/// How many sessions a shard has in a full store: so few that even the growth of its map holds
/// the lock for less than 0.1 ms, and so many that the map is then three quarters full, not just
/// past a doubling.
const SESSIONS_PER_SHARD: usize = 3_125;
/// Enough that threads seldom meet, and no more than is looked through in a microsecond or two.
const SHARDS: std::ops::RangeInclusive<usize> = 64..=4_096;
/// How many sessions are looked at under one lock: some microseconds.
pub(super) const SLICE: usize = 16;
/// How often a request looks for sessions that have ended, in milliseconds.
const SWEEP_EVERY: u64 = 10;
/// The same while there are more than a slice of them.
const SWEEP_BEHIND: u64 = 1;
/// What a hint says of a shard that has nothing.
const NONE: u64 = u64::MAX;

/// How many stores this process made.
static STORES: AtomicU64 = AtomicU64::new(0);

pub(super) struct Room<D> {
    /// Tells this store from every other one.
    pub(super) number: u64,
    shards: Box<[Padded<D>]>,
    /// For each shard, when its first session may end. Written under the shard's lock, read
    /// without one: only a hint.
    due: Box<[AtomicU64]>,
    /// For each shard, the beginning of the id that gives way first. Only a hint, too.
    fresh: Box<[AtomicU64]>,
    /// How many sessions there are: never fewer than the shards hold.
    records: AtomicUsize,
    pub(super) capacity: usize,
    /// When a request is to look for sessions that have ended.
    next_sweep: AtomicU64,
    pub(super) clock: Clock,
}

/// On cache lines of its own, so that threads in different shards do not slow each other.
#[repr(align(128))]
struct Padded<D>(RwLock<Shard<D>>);

impl<D> Padded<D> {
    fn read(&self) -> RwLockReadGuard<'_, Shard<D>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Room<D> {
    pub(super) fn new(capacity: usize, clock: Clock) -> Self {
        let shards = (capacity / SESSIONS_PER_SHARD).clamp(*SHARDS.start(), *SHARDS.end());
        let hints = || (0..shards).map(|_| AtomicU64::new(NONE)).collect();
        Self {
            number: STORES.fetch_add(1, Ordering::Relaxed) + 1,
            shards: (0..shards).map(|_| Padded(RwLock::default())).collect(),
            due: hints(),
            fresh: hints(),
            records: AtomicUsize::new(0),
            capacity,
            next_sweep: AtomicU64::new(0),
            clock,
        }
    }

    pub(super) fn shard_of(&self, id: &SessionId) -> usize {
        shard_of(id, self.shards.len())
    }

    pub(super) fn shards(&self) -> std::ops::Range<usize> {
        0..self.shards.len()
    }

    /// How many sessions a namespace has. Every shard is held, for reading, until all are counted:
    /// else one that gives way to another might be counted beside it.
    pub(super) fn count(&self, namespace: &str) -> u64 {
        let shards: Vec<_> = self.shards.iter().map(Padded::read).collect();
        shards.iter().map(|shard| shard.count(namespace)).sum()
    }

    /// How many places are taken.
    pub(super) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Reads a shard. Nothing that a user wrote may run in `read`.
    pub(super) fn read<R>(&self, at: usize, read: impl FnOnce(&Shard<D>) -> R) -> R {
        read(&self.shards[at].read())
    }

    /// Changes a shard. Nothing that a user wrote may run in `write`: not even the `Drop` of data
    /// that was replaced, which is to be handed out.
    pub(super) fn write<R>(&self, at: usize, write: impl FnOnce(&mut Shard<D>) -> R) -> R {
        let mut shard = self.shards[at]
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut shard);
        publish(&self.due[at], shard.next_due());
        publish(&self.fresh[at], shard.oldest_fresh().map(|id| head(&id)));
        result
    }

    /// Takes the place of one session, if there is one.
    pub(super) fn reserve(&self) -> bool {
        let more = |records| (records < self.capacity).then_some(records + 1);
        (self
            .records
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more))
        .is_ok()
    }

    /// Gives the places of so many sessions back, which are in no shard any more.
    pub(super) fn release(&self, records: usize) {
        if records > 0 {
            self.records.fetch_sub(records, Ordering::AcqRel);
        }
    }

    /// Now and then, lets the request that comes by remove a few sessions that have ended. So
    /// memory comes back without a task of its own, as long as anything is asked of the store.
    #[inline]
    pub(super) fn tidy(&self, now: u64) {
        let next = self.next_sweep.load(Ordering::Relaxed);
        if now >= next {
            self.tidy_now(next, now);
        }
    }

    #[cold]
    fn tidy_now(&self, next: u64, now: u64) {
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

    /// While somebody else sweeps as much as a request would, no request has to.
    pub(super) fn put_off_tidying(&self) {
        // Two, or a request would come first whenever a new millisecond begins.
        let then = self.clock.millis().saturating_add(2 * SWEEP_BEHIND);
        // Mostly nothing changes; then other threads keep the cache line.
        if self.next_sweep.load(Ordering::Relaxed) < then {
            self.next_sweep.fetch_max(then, Ordering::AcqRel);
        }
    }

    /// Looks at up to `limit` sessions of a shard whose turn has come; how many had ended.
    pub(super) fn sweep_slice(&self, at: usize, limit: usize, now: u64) -> usize {
        let mut ended = Vec::with_capacity(limit.min(SLICE));
        self.write(at, |shard| shard.sweep(limit, now, &mut ended));
        let count = ended.len();
        self.release(count);
        discard(ended);
        count
    }

    /// A shard in which a session may have ended: the one that waits longest.
    pub(super) fn shard_with_due(&self, now: u64) -> Option<usize> {
        let (at, due) = lowest(&self.due)?;
        (due <= now).then_some(at)
    }

    /// Makes room for one more session: first by what has ended, then by the oldest session that
    /// nobody ever presented, which is named. `None` if every session has to stay.
    pub(super) fn make_room(&self) -> Option<Vec<SessionId>> {
        let now = self.clock.millis();
        while let Some(at) = self.shard_with_due(now) {
            if self.sweep_slice(at, SLICE, now) > 0 {
                return Some(Vec::new());
            }
        }
        while let Some((at, oldest)) = self.oldest_fresh().or_else(|| self.oldest_fresh_locked()) {
            let evicted = self.write(at, |shard| {
                (shard.is_fresh(&oldest))
                    .then(|| shard.remove(&oldest))
                    .flatten()
            });
            // Else another request presented it, or took it away, in this moment.
            if evicted.is_some() {
                self.release(1);
                discard(evicted);
                return Some(vec![oldest]);
            }
        }
        (self.records() < self.capacity).then(Vec::new)
    }

    /// The oldest session that may give way, by the hints, and its shard.
    fn oldest_fresh(&self) -> Option<(usize, SessionId)> {
        let (_, lowest) = lowest(&self.fresh)?;
        let is_lowest = |at: &usize| self.fresh[*at].load(Ordering::Acquire) == lowest;
        self.oldest_of(self.shards().filter(is_lowest))
    }

    /// The same by the shards themselves. Whoever has just taken a place holds the lock of a
    /// shard until its session is there: so nothing that could give way is overlooked.
    fn oldest_fresh_locked(&self) -> Option<(usize, SessionId)> {
        self.oldest_of(self.shards())
    }

    fn oldest_of(&self, shards: impl Iterator<Item = usize>) -> Option<(usize, SessionId)> {
        shards
            .filter_map(|at| Some((at, self.read(at, Shard::oldest_fresh)?)))
            .min_by_key(|(_, id)| *id)
    }
}

/// The first eight bytes of an id: the time at which it was minted, and little else.
fn head(id: &SessionId) -> u64 {
    halves(id).0
}

fn publish(hint: &AtomicU64, value: Option<u64>) {
    let value = value.map_or(NONE, |value| value.min(NONE - 1));
    // Mostly nothing changes; then other threads keep the cache line.
    if hint.load(Ordering::Relaxed) != value {
        hint.store(value, Ordering::Release);
    }
}

/// The lowest hint and its shard, unless no shard has anything.
fn lowest(hints: &[AtomicU64]) -> Option<(usize, u64)> {
    let hints = hints
        .iter()
        .map(|hint| hint.load(Ordering::Acquire))
        .enumerate();
    hints
        .min_by_key(|(_, hint)| *hint)
        .filter(|(_, hint)| *hint != NONE)
}

/// Drops what may hold data of the user, each for itself. The request that comes by has nothing to
/// do with them: should the `Drop` of one panic, the others are dropped, and the request goes on
/// (the panic hook has told of it).
pub(super) fn discard<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}
