//! A part of the store: some thousand sessions under one lock, with an index of their deadlines.

use hashbrown::HashTable;

use super::entries::{Entries, Taken};
use super::entry::{By, Entry};
use super::hash::hash_of;
use super::heap::Heap;
use super::shrink::{SMALL, is_wasteful};
use crate::record::Key;
use crate::sid::SessionId;

pub(super) struct Shard<D> {
    entries: Entries<D>,
    /// The place of each session among the entries, by id.
    places: HashTable<u32>,
    /// Every session once, by a time that is never later than its deadline. When a deadline moves
    /// to a later time, the index does not change, so keeping a session alive is cheap. The sweep
    /// updates the index when it reaches the session.
    due: Heap,
    /// The sessions that a full store may evict, oldest first.
    unpresented: Heap,
    /// The namespaces; a session stores a 2-byte index into this list.
    namespaces: Vec<Namespace>,
}

/// A removed session, and memory that the shard no longer needs. Drop it after the lock is
/// released: dropping the data may run user code, and an allocator may take a millisecond to return
/// pages to the system.
pub(super) struct Removed<D> {
    _session: Taken<D>,
    _rest: Option<Box<Shard<D>>>,
}

struct Namespace {
    name: &'static str,
    records: u64,
}

impl<D> Default for Shard<D> {
    fn default() -> Self {
        Self {
            entries: Entries::new(),
            places: HashTable::new(),
            due: Heap::new(By::Deadline),
            unpresented: Heap::new(By::Age),
            namespaces: Vec::new(),
        }
    }
}

impl<D> Shard<D> {
    /// The session of a key, alive or not.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&Entry<D>> {
        Some(self.find(key)?.1)
    }

    #[inline]
    fn find(&self, key: Key) -> Option<(u32, &Entry<D>)> {
        let (place, entry) = self.find_id(&key.id)?;
        let namespace = self.namespaces.get(usize::from(entry.namespace))?;
        // Usually both are the same `&str`, which needs no comparison of the text.
        let is_same =
            std::ptr::eq(namespace.name, key.namespace) || namespace.name == key.namespace;
        is_same.then_some((place, entry))
    }

    #[inline]
    fn find_id(&self, id: &SessionId) -> Option<(u32, &Entry<D>)> {
        let mut found = None;
        self.places.find(hash_of(id), |&place| {
            let entry = self.entries.get(place).filter(|entry| entry.id == *id);
            found = entry.map(|entry| (place, entry));
            found.is_some()
        });
        found
    }

    /// Changes a living session, and updates the index if its deadline is now earlier.
    pub(super) fn change<R>(
        &mut self,
        key: Key,
        now: u64,
        change: impl FnOnce(&mut Entry<D>) -> R,
    ) -> Option<R> {
        let (place, _) = self.find(key).filter(|(_, entry)| entry.is_alive(now))?;
        let entry = self.entries.get_mut(place)?;
        let was_evictable = entry.is_evictable();
        let result = change(entry);
        let is_evictable = entry.is_evictable();
        if entry.deadline() < entry.indexed_deadline {
            entry.indexed_deadline = entry.deadline();
            self.due.update(&mut self.entries, place);
        }
        match (was_evictable, is_evictable) {
            (true, false) => self.unpresented.remove(&mut self.entries, place),
            (false, true) => self.unpresented.insert(&mut self.entries, place),
            _ => {}
        }
        Some(result)
    }

    /// Whether the id belongs to a living session, in any namespace.
    pub(super) fn is_taken(&self, id: &SessionId, now: u64) -> bool {
        (self.find_id(id)).is_some_and(|(_, entry)| entry.is_alive(now))
    }

    /// Inserts a session whose id is free; `false` if the shard has too many sessions or namespaces.
    pub(super) fn put(&mut self, namespace: &'static str, mut entry: Entry<D>) -> bool {
        let Some(at) = self.namespace_index(namespace) else {
            return false;
        };
        entry.namespace = at;
        entry.indexed_deadline = entry.deadline();
        let is_evictable = entry.is_evictable();
        let hash = hash_of(&entry.id);
        let Some(place) = self.entries.push(entry) else {
            return false;
        };
        self.namespaces[usize::from(at)].records += 1;
        let entries = &mut self.entries;
        self.places
            .insert_unique(hash, place, |&place| hash_at(entries, place));
        self.due.insert(entries, place);
        if is_evictable {
            self.unpresented.insert(entries, place);
        }
        true
    }

    /// The index of a namespace, which reuses the index of one without sessions.
    fn namespace_index(&mut self, name: &'static str) -> Option<u16> {
        let at = (self
            .namespaces
            .iter()
            .position(|namespace| namespace.name == name))
        .or_else(|| {
            self.namespaces
                .iter()
                .position(|namespace| namespace.records == 0)
        })
        .unwrap_or(self.namespaces.len());
        let number = u16::try_from(at).ok()?;
        match self.namespaces.get_mut(at) {
            Some(namespace) => namespace.name = name,
            None => self.namespaces.push(Namespace { name, records: 0 }),
        }
        Some(number)
    }

    /// Removes a session, alive or not.
    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Removed<D>> {
        let (place, _) = self.find_id(id)?;
        self.remove_at(place)
    }

    fn remove_at(&mut self, place: u32) -> Option<Removed<D>> {
        let entry = self.entries.get(place)?;
        let (hash, namespace) = (hash_of(&entry.id), usize::from(entry.namespace));
        self.due.remove(&mut self.entries, place);
        self.unpresented.remove(&mut self.entries, place);
        let taken = self.entries.swap_remove(place)?;
        let of = |wanted: u32| move |place: &u32| *place == wanted;
        if let Ok(found) = self.places.find_entry(hash, of(place)) {
            found.remove();
        }
        // The last session has moved to this place.
        if let Some(moved) = self.entries.get(place) {
            let last = u32::try_from(self.entries.len()).ok()?;
            if let Some(found) = self.places.find_mut(hash_of(&moved.id), of(last)) {
                *found = place;
            }
            self.due.moved(&self.entries, place);
            self.unpresented.moved(&self.entries, place);
        }
        if let Some(namespace) = self.namespaces.get_mut(namespace) {
            namespace.records -= 1;
        }
        Some(Removed {
            _session: taken,
            _rest: self.release_memory(),
        })
    }

    /// Shrinks a shard that was large and now is empty or mostly unused, and returns the memory to
    /// be dropped.
    fn release_memory(&mut self) -> Option<Box<Self>> {
        let (room, used) = (self.places.capacity(), self.places.len());
        if room <= SMALL || (used > 0 && !is_wasteful(room, used)) {
            return None;
        }
        // An empty shard keeps no block at all: one small block could keep an allocator from
        // returning all the pages before it.
        let mut large = std::mem::take(self);
        if used > 0 {
            let room = used.max(SMALL) * 2;
            self.entries = large.entries.moved_to(room);
            self.due = large.due.moved_to(room);
            self.unpresented = large.unpresented.moved_to(room);
            self.namespaces = std::mem::take(&mut large.namespaces);
            let (entries, places) = (&self.entries, large.places.iter());
            self.places.reserve(room, |&place| hash_at(entries, place));
            for &place in places {
                let hash = hash_at(entries, place);
                self.places
                    .insert_unique(hash, place, |&place| hash_at(entries, place));
            }
        }
        Some(Box::new(large))
    }

    /// Checks up to `limit` sessions that are due, and moves those that have expired to `ended`.
    pub(super) fn sweep(&mut self, limit: usize, now: u64, ended: &mut Vec<Removed<D>>) {
        for _ in 0..limit {
            let Some(place) = self.due.first() else {
                return;
            };
            match self.entries.get_mut(place) {
                Some(entry) if entry.indexed_deadline > now => return,
                Some(entry) if entry.is_alive(now) => {
                    entry.indexed_deadline = entry.deadline();
                    self.due.update(&mut self.entries, place);
                }
                _ => ended.extend(self.remove_at(place)),
            }
        }
    }

    /// The number of sessions of a namespace, including expired ones that no sweep has removed yet.
    pub(super) fn count(&self, namespace: &str) -> u64 {
        let mut namespaces = self.namespaces.iter();
        (namespaces.find(|known| known.name == namespace)).map_or(0, |known| known.records)
    }

    /// The time at which the next session is due for a check.
    pub(super) fn next_due(&self) -> Option<u64> {
        Some(self.entries.get(self.due.first()?)?.indexed_deadline)
    }

    /// Whether a full store may evict the session.
    pub(super) fn is_evictable(&self, id: &SessionId) -> bool {
        (self.find_id(id)).is_some_and(|(_, entry)| entry.is_evictable())
    }

    /// The session to evict first.
    pub(super) fn oldest_unpresented(&self) -> Option<SessionId> {
        Some(self.entries.get(self.unpresented.first()?)?.id)
    }

    /// The number of sessions, of places in the table, and the sizes of both heaps.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        assert_eq!(self.entries.len(), self.places.len());
        [
            self.places.len(),
            self.places.capacity(),
            self.due.len(),
            self.unpresented.len(),
        ]
    }
}

fn hash_at<D>(entries: &Entries<D>, place: u32) -> u64 {
    entries.get(place).map_or(0, |entry| hash_of(&entry.id))
}
