//! A part of the store: some thousand sessions under one lock, and what finds those that end.

use std::collections::{BTreeSet, HashMap};

use super::entry::Entry;
use super::hash::IdHash;
use crate::record::Key;
use crate::sid::SessionId;

/// Below this a map is too small to be worth giving memory back.
const SMALL_MAP: usize = 64;

pub(super) struct Shard<D> {
    records: HashMap<SessionId, Box<Entry<D>>, IdHash>,
    /// Every session once, by a moment that is never later than its deadline. A deadline that
    /// moves back leaves the session where it is: it is filed anew when its turn comes, so that
    /// keeping a session alive costs the index nothing.
    due: BTreeSet<(u64, SessionId)>,
    /// The sessions that no load ever presented and that belong to nobody. Ids sort by the time
    /// at which they were minted.
    fresh: BTreeSet<SessionId>,
    /// The namespaces, so that a session needs two bytes to name its own.
    spaces: Vec<Space>,
}

struct Space {
    name: &'static str,
    records: u64,
}

impl<D> Default for Shard<D> {
    fn default() -> Self {
        Self {
            records: HashMap::default(),
            due: BTreeSet::new(),
            fresh: BTreeSet::new(),
            spaces: Vec::new(),
        }
    }
}

impl<D> Shard<D> {
    /// The session of a key, alive or not.
    pub(super) fn get(&self, key: Key) -> Option<&Entry<D>> {
        let entry = self.records.get(&key.id)?;
        let space = self.spaces.get(usize::from(entry.space))?;
        // A name is mostly the very same text, which is seen without reading it.
        let is_same = std::ptr::eq(space.name, key.namespace) || space.name == key.namespace;
        is_same.then_some(entry)
    }

    /// Changes a living session, and files it again if it ends earlier now.
    pub(super) fn change<R>(
        &mut self,
        key: Key,
        now: u64,
        change: impl FnOnce(&mut Entry<D>) -> R,
    ) -> Option<R> {
        self.get(key).filter(|entry| entry.is_alive(now))?;
        let entry = self.records.get_mut(&key.id)?;
        let was_fresh = entry.is_fresh();
        let result = change(entry);
        if entry.deadline() < entry.filed {
            self.due.remove(&(entry.filed, key.id));
            entry.filed = entry.deadline();
            self.due.insert((entry.filed, key.id));
        }
        match (was_fresh, entry.is_fresh()) {
            (true, false) => _ = self.fresh.remove(&key.id),
            (false, true) => _ = self.fresh.insert(key.id),
            _ => {}
        }
        Some(result)
    }

    /// Whether the id has a living session, in whichever namespace.
    pub(super) fn is_taken(&self, id: &SessionId, now: u64) -> bool {
        (self.records.get(id)).is_some_and(|entry| entry.is_alive(now))
    }

    /// Puts a session where none is; `false` if there are too many namespaces.
    pub(super) fn put(&mut self, key: Key, mut entry: Box<Entry<D>>) -> bool {
        let Some(at) = self.space_of(key.namespace) else {
            return false;
        };
        self.spaces[usize::from(at)].records += 1;
        entry.space = at;
        entry.filed = entry.deadline();
        self.due.insert((entry.filed, key.id));
        if entry.is_fresh() {
            self.fresh.insert(key.id);
        }
        self.records.insert(key.id, entry);
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

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Box<Entry<D>>> {
        let entry = self.records.remove(id)?;
        self.due.remove(&(entry.filed, *id));
        if entry.is_fresh() {
            self.fresh.remove(id);
        }
        if let Some(space) = self.spaces.get_mut(usize::from(entry.space)) {
            space.records -= 1;
        }
        let room = self.records.capacity();
        if room > SMALL_MAP && self.records.len() < room / 8 {
            self.records.shrink_to(self.records.len() * 2);
        }
        Some(entry)
    }

    /// Looks at up to `limit` sessions whose turn has come, and moves those that have ended to
    /// `ended`.
    #[allow(clippy::vec_box, reason = "they are moved as the map has them")]
    pub(super) fn sweep(&mut self, limit: usize, now: u64, ended: &mut Vec<Box<Entry<D>>>) {
        for _ in 0..limit {
            let Some(&(filed, id)) = self.due.first().filter(|(due, _)| *due <= now) else {
                return;
            };
            self.due.remove(&(filed, id));
            match self.records.get_mut(&id) {
                Some(entry) if entry.is_alive(now) => {
                    entry.filed = entry.deadline();
                    self.due.insert((entry.filed, id));
                }
                _ => ended.extend(self.remove(&id)),
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
        self.due.first().map(|(due, _)| *due)
    }

    /// Whether a session may have to give way.
    pub(super) fn is_fresh(&self, id: &SessionId) -> bool {
        self.fresh.contains(id)
    }

    /// The session that gives way first.
    pub(super) fn oldest_fresh(&self) -> Option<SessionId> {
        self.fresh.first().copied()
    }

    /// How many sessions, filings and places in the map there are.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        [
            self.records.len(),
            self.records.capacity(),
            self.due.len(),
            self.fresh.len(),
        ]
    }
}
