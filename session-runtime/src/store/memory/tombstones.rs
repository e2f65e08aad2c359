//! What remains of the sessions that ended because their users may have no more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;

use super::deferred_drop::Batch;
use super::handle::{BuildHandleHasher, Handle};
use super::queue::{Freed, Queue};
use super::records::Records;
use crate::record::{Key, LoadRequest, Transport};
use crate::sid::SecretHash;
use crate::store::LoadOutcome;
use crate::store::state::{OtherSecrets, presents_secret};

/// The number of shards: enough that threads rarely contend.
const SHARDS: usize = 64;

/// The tombstones of a store, the oldest first. They take only the room that sessions leave free.
pub(super) struct Tombstones {
    map: DashMap<Handle, Box<Tombstone>, BuildHandleHasher>,
    /// Their handles, and those of some that are no longer in the map. Locked before a shard of the map.
    queue: Mutex<Queue>,
    /// The length of the queue. While it is 0, nothing has to be looked at.
    len: AtomicUsize,
}

/// What a load of an ended session is checked against.
pub(super) struct Tombstone {
    /// The first half of the session's id.
    pub(super) head: u64,
    /// In milliseconds of the store's clock.
    pub(super) until: u64,
    pub(super) others: Option<Box<OtherSecrets>>,
    pub(super) secret: SecretHash,
    pub(super) namespace: u16,
    pub(super) transport: Transport,
}

impl Tombstone {
    /// Whether a load presents a secret of the session.
    pub(super) fn is_opened_by(&self, request: &LoadRequest, now: u64) -> bool {
        let others = self.others.as_deref();
        now < self.until && presents_secret(request, self.transport, self.secret, others, now)
    }
}

impl Default for Tombstones {
    fn default() -> Self {
        let hasher = BuildHandleHasher::default();
        Self {
            map: DashMap::with_hasher_and_shard_amount(hasher, SHARDS),
            queue: Mutex::default(),
            len: AtomicUsize::new(0),
        }
    }
}

impl Tombstones {
    /// The number of tombstones, or more: the queue may have handles that are no longer in the map.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, handle: Handle, tombstone: Tombstone) {
        let tombstone = Box::new(tombstone);
        let mut queue = self.lock();
        self.map.insert(handle, tombstone);
        queue.push(handle);
        self.len.store(queue.len(), Ordering::Release);
    }

    /// Drops the tombstone with this handle.
    #[inline]
    pub(super) fn remove(&self, handle: Handle) {
        if self.len() > 0 {
            self.map.remove(&handle);
        }
    }

    /// Whether the tombstone with this handle meets the condition.
    pub(super) fn is(&self, handle: Handle, condition: impl FnOnce(&Tombstone) -> bool) -> bool {
        self.len() > 0 && (self.map.get(&handle)).is_some_and(|tombstone| condition(&tombstone))
    }

    /// Drops the oldest ones, and at most `limit`: those whose time is over, and those beyond `room`.
    /// Returns how many it dropped.
    #[inline]
    pub(super) fn drop_old(
        &self,
        room: usize,
        limit: usize,
        now: u64,
        freed: &mut Batch<Freed>,
    ) -> usize {
        if self.len() == 0 {
            return 0;
        }
        self.drop_some(room, limit, now, freed)
    }

    #[cold]
    fn drop_some(&self, room: usize, limit: usize, now: u64, freed: &mut Batch<Freed>) -> usize {
        let mut queue = self.lock();
        let len = queue.len();
        while let Some(oldest) = queue.front()
            && len - queue.len() < limit
        {
            let is_kept = queue.len() <= room
                && (self.map.get(&oldest)).is_some_and(|found| now < found.until);
            if is_kept {
                break;
            }
            self.map.remove(&oldest);
            queue.pop(freed);
        }
        let dropped = len - queue.len();
        if queue.len() == 0 {
            self.map.shrink_to_fit();
        }
        self.len.store(queue.len(), Ordering::Release);
        dropped
    }

    /// The number of tombstones for which there is memory.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.map.capacity() + self.lock().room()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Records<D> {
    /// The outcome of a load that found no session.
    #[cold]
    #[inline(never)]
    pub(super) fn load_tombstone(
        &self,
        key: Key,
        request: &LoadRequest,
        now: u64,
    ) -> LoadOutcome<D> {
        let (head, handle) = Handle::split(&key.id);
        let opens = |found: &Tombstone| {
            found.head == head
                && self.namespaces.is(found.namespace, key.namespace)
                && found.is_opened_by(request, now)
        };
        if self.tombstones.is(handle, opens) {
            LoadOutcome::Replaced
        } else {
            LoadOutcome::Unknown
        }
    }
}
