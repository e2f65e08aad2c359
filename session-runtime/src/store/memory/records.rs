//! The sessions of a store, and what is counted and remembered of all of them.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Place;
use dashmap::mapref::one::{Ref, RefMut};

use super::counts::{Counts, MOST};
use super::deferred_drop::DeferredDrop;
use super::entry::Entry;
use super::handle::{BuildHandleHasher, Handle};
use super::namespaces::Namespaces;
use super::subjects::Subjects;
use super::tombstones::Tombstones;
use super::unpresented::Unpresented;
use super::wheel::Wheel;
use crate::clock::Clock;
use crate::record::{Key, NewRecord, Snapshot};
use crate::sid::SessionId;
use crate::store::LoginRefusal;

/// Sessions per shard in a full store. So few that growing a shard's table holds the lock for less
/// than 0.1 ms.
const SESSIONS_PER_SHARD: usize = 1_000;
/// The number of shards, a power of two: enough that threads rarely contend.
const SHARDS: std::ops::RangeInclusive<usize> = 64..=4_096;

/// The number of stores that this process has built.
static STORES: AtomicU64 = AtomicU64::new(0);

/// Everything about one session happens under the lock of its shard of the map. What concerns more
/// than one, the schedule, has a lock of its own; nobody waits for it while holding a shard's.
pub(super) struct Records<D> {
    /// The number of this store, unique in the process.
    pub(super) number: u64,
    pub(super) capacity: usize,
    pub(super) clock: Clock,
    pub(super) namespaces: Namespaces,
    /// The sessions are behind pointers, so that a growing table has little to move.
    pub(super) map: DashMap<Handle, Box<Entry<D>>, BuildHandleHasher>,
    pub(super) counts: Counts,
    pub(super) subjects: Subjects,
    pub(super) tombstones: Tombstones,
    schedule: Mutex<Schedule>,
    /// When a request sweeps again.
    pub(super) next_sweep: AtomicU64,
    /// The shard whose table is shrunk next.
    next_shrink: AtomicUsize,
}

/// Which sessions to look at, and when. On cache lines of its own, so that creations do not slow
/// down reads.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Schedule {
    pub(super) wheel: Wheel,
    pub(super) unpresented: Unpresented,
}

/// The result of one attempt to add a session.
pub(super) enum Put<D> {
    Done {
        snapshot: Snapshot<D>,
        /// The sessions that ended because the subject may have no more.
        ended: Vec<SessionId>,
    },
    Exists,
    Refused(LoginRefusal),
    /// The store is full: a session has to be removed first.
    NoRoom,
    /// The store cannot take another namespace.
    Full,
}

impl<D> Records<D> {
    pub(super) fn new(capacity: usize, clock: Clock) -> Self {
        let capacity = capacity.min(MOST);
        let shards = (capacity / SESSIONS_PER_SHARD).clamp(*SHARDS.start(), *SHARDS.end());
        let hasher = BuildHandleHasher::default();
        Self {
            number: STORES.fetch_add(1, Ordering::Relaxed) + 1,
            capacity,
            clock,
            namespaces: Namespaces::default(),
            map: DashMap::with_hasher_and_shard_amount(hasher, shards.next_power_of_two()),
            counts: Counts::default(),
            subjects: Subjects::default(),
            tombstones: Tombstones::default(),
            schedule: Mutex::default(),
            next_sweep: AtomicU64::new(0),
            next_shrink: AtomicUsize::new(0),
        }
    }

    pub(super) fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the shard of a session to read it, alive or not.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<Ref<'_, Handle, Box<Entry<D>>>> {
        let (head, handle) = Handle::split(&key.id);
        (self.map.get(&handle)).filter(|entry| self.is(entry, head, key.namespace))
    }

    /// Locks the shard of a session to change it, alive or not.
    #[inline]
    pub(super) fn get_mut(&self, key: Key) -> Option<RefMut<'_, Handle, Box<Entry<D>>>> {
        let (head, handle) = Handle::split(&key.id);
        (self.map.get_mut(&handle)).filter(|entry| self.is(entry, head, key.namespace))
    }

    #[inline]
    fn is(&self, entry: &Entry<D>, head: u64, namespace: &str) -> bool {
        entry.head == head && self.namespaces.is(entry.namespace, namespace)
    }

    /// Adds a session if its id is free and there is room, and looks at a few that are due.
    pub(super) fn put(
        &self,
        key: Key,
        record: &NewRecord<D>,
        now: u64,
        deferred: &mut DeferredDrop<'_, D>,
    ) -> Put<D> {
        let (head, handle) = Handle::split(&key.id);
        let Some(namespace) = self.namespaces.index(key.namespace) else {
            return Put::Full;
        };
        let entry = Box::new(Entry::new(head, namespace, record, now, self.clock.at(now)));
        let (snapshot, bucket, is_evictable) =
            (entry.snapshot(), entry.bucket, entry.is_evictable());
        match self.map.entry(handle) {
            Place::Occupied(place) if place.get().is_alive(now) => return Put::Exists,
            Place::Occupied(mut place) => {
                let ended = place.insert(entry);
                // The place stays taken.
                (self.counts).change(ended.is_evictable(), is_evictable);
                deferred.sessions.push((handle, ended));
            }
            Place::Vacant(place) => {
                if !self.counts.take(self.capacity, is_evictable) {
                    return Put::NoRoom;
                }
                place.insert(entry);
            }
        }
        self.tombstones.remove(handle);
        let mut schedule = self.schedule();
        schedule.wheel.file(bucket, handle);
        if is_evictable {
            schedule.unpresented.push(handle);
        }
        self.sweep_in_passing(&mut schedule, now, deferred);
        Put::Done {
            snapshot,
            ended: Vec::new(),
        }
    }

    /// Unlocks a session that was changed. Only if it may end earlier than planned, or may be evicted
    /// again, does this concern the schedule.
    pub(super) fn release(
        &self,
        mut entry: RefMut<'_, Handle, Box<Entry<D>>>,
        was_evictable: bool,
        now: u64,
    ) {
        let handle = *entry.key();
        self.counts.change(was_evictable, entry.is_evictable());
        let bucket = (entry.next_look() < entry.bucket).then(|| entry.file(now));
        let joins = !entry.is_queued() && entry.update_queued();
        drop(entry);
        if let Some(bucket) = bucket {
            self.schedule().wheel.file(bucket, handle);
        }
        if joins {
            self.schedule().unpresented.push(handle);
        }
    }

    /// Removes a session, alive or not, if `condition` holds. The condition must not run user code.
    pub(super) fn remove(
        &self,
        key: Key,
        condition: impl FnOnce(&Entry<D>) -> bool,
    ) -> Option<(Handle, Box<Entry<D>>)> {
        let (head, handle) = Handle::split(&key.id);
        self.remove_if(handle, |entry| {
            self.is(entry, head, key.namespace) && condition(entry)
        })
    }

    /// Removes the session with this handle if `condition` holds. The condition may change the
    /// session, and must not run user code.
    pub(super) fn remove_if(
        &self,
        handle: Handle,
        condition: impl FnOnce(&mut Entry<D>) -> bool,
    ) -> Option<(Handle, Box<Entry<D>>)> {
        let (_, entry) = (self.map).remove_if_mut(&handle, |_, entry| condition(entry))?;
        self.counts.free(entry.is_evictable());
        Some((handle, entry))
    }

    /// The number of sessions of a namespace, including ended ones that no sweep has removed yet.
    pub(super) fn count(&self, namespace: &str) -> usize {
        if self.namespaces.len() == 1 && self.namespaces.is(0, namespace) {
            return self.counts.places();
        }
        let is_of = |entry: &Entry<D>| self.namespaces.is(entry.namespace, namespace);
        self.map.iter().filter(|entry| is_of(entry)).count()
    }

    pub(super) fn shards(&self) -> usize {
        self.map.shards().len()
    }

    /// Shrinks the table of one shard if it is mostly unused. One shard follows the other.
    pub(super) fn shrink_next(&self) {
        let next = self.next_shrink.fetch_add(1, Ordering::Relaxed);
        let Some(shard) = self.map.shards().get(next % self.shards()) else {
            return;
        };
        let is_wasteful = {
            let table = shard.read();
            is_wasteful(table.capacity(), table.len())
        };
        if !is_wasteful {
            return;
        }
        let hasher = self.map.hasher();
        let mut table = shard.write();
        let mut large = std::mem::take(&mut *table);
        if !large.is_empty() {
            table.reserve(large.len() * 2, |(handle, _)| hasher.hash_one(handle));
        }
        for session in large.drain() {
            let hash = hasher.hash_one(session.0);
            table.insert(hash, session, |(handle, _)| hasher.hash_one(handle));
        }
        // An allocator may take a millisecond to return pages to the system.
        drop(table);
        drop(large);
    }
}

/// Whether a table is empty, or less than an eighth of it is used. An empty one keeps no memory at
/// all: one small block could keep an allocator from returning all pages before it.
fn is_wasteful(room: usize, used: usize) -> bool {
    const SMALL: usize = 32;
    room > 0 && (used == 0 || (room > SMALL && used < room / 8))
}
