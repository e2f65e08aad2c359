//! A part of the store: some thousand sessions under one lock, and what finds those that end.

use hashbrown::HashTable;

use super::entries::{Entries, Taken};
use super::entry::Entry;
use super::hash::hash_of;
use super::heap::{By, Heap};
use super::{SMALL, is_wasteful};
use crate::record::Key;
use crate::sid::SessionId;

pub(super) struct Shard<D> {
    entries: Entries<D>,
    /// Where each session is among the entries, found by its id.
    places: HashTable<u32>,
    /// Every session once, by a moment that is never later than its deadline. A deadline that
    /// moves back leaves the session where it is: it is filed anew when its turn comes, so that
    /// keeping a session alive costs the index nothing.
    due: Heap,
    /// The sessions that no load ever presented and that belong to nobody.
    fresh: Heap,
    /// The namespaces, so that a session needs two bytes to name its own.
    spaces: Vec<Space>,
}

/// A session that was taken away, and the memory that nobody needs without it. It is to be dropped
/// when the lock is no longer held: the data may run the user's code then, and an allocator may take
/// a millisecond to give pages back to the system.
pub(super) struct Removed<D> {
    _session: Taken<D>,
    _rest: Option<Box<Shard<D>>>,
}

struct Space {
    name: &'static str,
    records: u64,
}

impl<D> Default for Shard<D> {
    fn default() -> Self {
        Self {
            entries: Entries::new(),
            places: HashTable::new(),
            due: Heap::new(By::Filing),
            fresh: Heap::new(By::Age),
            spaces: Vec::new(),
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
        let space = self.spaces.get(usize::from(entry.space))?;
        // A name is mostly the very same text, which is seen without reading it.
        let is_same = std::ptr::eq(space.name, key.namespace) || space.name == key.namespace;
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

    /// Changes a living session, and files it again if it ends earlier now.
    pub(super) fn change<R>(
        &mut self,
        key: Key,
        now: u64,
        change: impl FnOnce(&mut Entry<D>) -> R,
    ) -> Option<R> {
        let (place, _) = self.find(key).filter(|(_, entry)| entry.is_alive(now))?;
        let entry = self.entries.get_mut(place)?;
        let was_fresh = entry.is_fresh();
        let result = change(entry);
        let is_fresh = entry.is_fresh();
        if entry.deadline() < entry.filed {
            entry.filed = entry.deadline();
            self.due.update(&mut self.entries, place);
        }
        match (was_fresh, is_fresh) {
            (true, false) => self.fresh.remove(&mut self.entries, place),
            (false, true) => self.fresh.insert(&mut self.entries, place),
            _ => {}
        }
        Some(result)
    }

    /// Whether the id has a living session, in whichever namespace.
    pub(super) fn is_taken(&self, id: &SessionId, now: u64) -> bool {
        (self.find_id(id)).is_some_and(|(_, entry)| entry.is_alive(now))
    }

    /// Puts a session where none is; `false` if there are too many, or too many namespaces.
    pub(super) fn put(&mut self, namespace: &'static str, mut entry: Entry<D>) -> bool {
        let Some(at) = self.space_of(namespace) else {
            return false;
        };
        entry.space = at;
        entry.filed = entry.deadline();
        let is_fresh = entry.is_fresh();
        let hash = hash_of(&entry.id);
        let Some(place) = self.entries.push(entry) else {
            return false;
        };
        self.spaces[usize::from(at)].records += 1;
        let entries = &mut self.entries;
        self.places
            .insert_unique(hash, place, |&place| hash_at(entries, place));
        self.due.insert(entries, place);
        if is_fresh {
            self.fresh.insert(entries, place);
        }
        true
    }

    /// The number of a namespace. One that has no session any more lends its number out.
    fn space_of(&mut self, name: &'static str) -> Option<u16> {
        let at = (self.spaces.iter().position(|space| space.name == name))
            .or_else(|| self.spaces.iter().position(|space| space.records == 0))
            .unwrap_or(self.spaces.len());
        let number = u16::try_from(at).ok()?;
        match self.spaces.get_mut(at) {
            Some(space) => space.name = name,
            None => self.spaces.push(Space { name, records: 0 }),
        }
        Some(number)
    }

    /// Takes a session away.
    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Removed<D>> {
        let (place, _) = self.find_id(id)?;
        self.remove_at(place)
    }

    fn remove_at(&mut self, place: u32) -> Option<Removed<D>> {
        let entry = self.entries.get(place)?;
        let (hash, space) = (hash_of(&entry.id), usize::from(entry.space));
        self.due.remove(&mut self.entries, place);
        self.fresh.remove(&mut self.entries, place);
        let taken = self.entries.swap_remove(place)?;
        let of = |wanted: u32| move |place: &u32| *place == wanted;
        if let Ok(found) = self.places.find_entry(hash, of(place)) {
            found.remove();
        }
        // The last one is here now.
        if let Some(moved) = self.entries.get(place) {
            let last = u32::try_from(self.entries.len()).ok()?;
            if let Some(found) = self.places.find_mut(hash_of(&moved.id), of(last)) {
                *found = place;
            }
            self.due.moved(&self.entries, place);
            self.fresh.moved(&self.entries, place);
        }
        if let Some(space) = self.spaces.get_mut(space) {
            space.records -= 1;
        }
        Some(Removed {
            _session: taken,
            _rest: self.give_memory_back(),
        })
    }

    /// What is left of a shard that was large: all of it if it is empty, or the lists that were far
    /// too long for what is in them now.
    fn give_memory_back(&mut self) -> Option<Box<Self>> {
        let (room, used) = (self.places.capacity(), self.places.len());
        if room <= SMALL || (used > 0 && !is_wasteful(room, used)) {
            return None;
        }
        // Not even a small block stays of an empty one: it could be the one that keeps an allocator
        // from giving back all those before it.
        let mut large = std::mem::take(self);
        if used > 0 {
            let room = used.max(SMALL) * 2;
            self.entries = large.entries.moved_to(room);
            self.due = large.due.moved_to(room);
            self.fresh = large.fresh.moved_to(room);
            self.spaces = std::mem::take(&mut large.spaces);
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

    /// Looks at up to `limit` sessions whose turn has come, and moves those that have ended to
    /// `ended`.
    pub(super) fn sweep(&mut self, limit: usize, now: u64, ended: &mut Vec<Removed<D>>) {
        for _ in 0..limit {
            let Some(place) = self.due.first() else {
                return;
            };
            match self.entries.get_mut(place) {
                Some(entry) if entry.filed > now => return,
                Some(entry) if entry.is_alive(now) => {
                    entry.filed = entry.deadline();
                    self.due.update(&mut self.entries, place);
                }
                _ => ended.extend(self.remove_at(place)),
            }
        }
    }

    /// How many sessions of a namespace there are, those included that have ended and were not
    /// yet swept.
    pub(super) fn count(&self, namespace: &str) -> u64 {
        let mut spaces = self.spaces.iter();
        (spaces.find(|space| space.name == namespace)).map_or(0, |space| space.records)
    }

    /// When the first session may end.
    pub(super) fn next_due(&self) -> Option<u64> {
        Some(self.entries.get(self.due.first()?)?.filed)
    }

    /// Whether a session may have to give way.
    pub(super) fn is_fresh(&self, id: &SessionId) -> bool {
        (self.find_id(id)).is_some_and(|(_, entry)| entry.is_fresh())
    }

    /// The session that gives way first.
    pub(super) fn oldest_fresh(&self) -> Option<SessionId> {
        Some(self.entries.get(self.fresh.first()?)?.id)
    }

    /// How many sessions, filings and places in the table there are.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        assert_eq!(self.entries.len(), self.places.len());
        [
            self.places.len(),
            self.places.capacity(),
            self.due.len(),
            self.fresh.len(),
        ]
    }
}

fn hash_at<D>(entries: &Entries<D>, place: u32) -> u64 {
    entries.get(place).map_or(0, |entry| hash_of(&entry.id))
}
