//! The sessions of each subject.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::{Login, RevocationMark, SubjectKey};
use crate::sid::SessionId;
use crate::timestamp::Timestamp;

/// The number of locks, a power of two: logins of different users rarely wait for each other.
const SHARDS: usize = 256;

/// Which sessions belong to whom. It contains every session with a login, and for a moment also some that
/// have ended or belong to somebody else by now.
///
/// A lock of it may be held while a session is locked, and is never waited for while one is.
pub(super) struct Subjects {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// The subjects under one lock.
#[derive(Default)]
pub(super) struct Shard {
    subjects: HashMap<[u8; 32], Subject>,
    /// When the mark of which subject may be forgotten, in milliseconds, the earliest first.
    forget: VecDeque<(u64, [u8; 32])>,
}

/// One subject.
#[derive(Default)]
pub(super) struct Subject {
    /// Raised when all its sessions are ended.
    pub(super) mark: RevocationMark,
    /// The time until which the mark is kept, in milliseconds.
    kept_until: u64,
    /// Its sessions, in the order of their logins.
    pub(super) members: Vec<Member>,
}

/// A session of a subject: when its user logged in, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) logged_in_at: Timestamp,
    pub(super) id: SessionId,
}

impl Member {
    pub(super) fn new(id: SessionId, login: &Login) -> Self {
        Self {
            logged_in_at: login.logged_in_at,
            id,
        }
    }
}

impl Default for Subjects {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Subjects {
    /// Locks the shard of a subject.
    pub(super) fn lock(&self, key: &SubjectKey) -> MutexGuard<'_, Shard> {
        let at = usize::from(self.hasher.hash_one(key.hash).to_le_bytes()[0]);
        let shard = &self.shards[at % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of members of all subjects, and of subjects.
    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        let shards = self.shards.iter();
        let shards: Vec<_> = shards
            .map(|shard| shard.lock().expect("no panic"))
            .collect();
        let members = shards.iter().flat_map(|shard| shard.subjects.values());
        (
            members.map(|subject| subject.members.len()).sum(),
            shards.iter().map(|shard| shard.subjects.len()).sum(),
        )
    }
}

#[cfg(test)]
impl Subjects {
    /// The number of subjects, and of marks to be forgotten, for which there is room.
    pub(super) fn room(&self) -> [usize; 2] {
        let shards = self.shards.iter();
        let shards: Vec<_> = shards
            .map(|shard| shard.lock().expect("no panic"))
            .collect();
        [
            shards.iter().map(|shard| shard.subjects.capacity()).sum(),
            shards.iter().map(|shard| shard.forget.capacity()).sum(),
        ]
    }

    /// The number of marks that are to be forgotten.
    pub(super) fn marks(&self) -> usize {
        let shards = self.shards.iter();
        let shards = shards.map(|shard| shard.lock().expect("no panic"));
        shards.map(|shard| shard.forget.len()).sum()
    }
}

impl Shard {
    pub(super) fn get(&self, key: &SubjectKey) -> Option<&Subject> {
        self.subjects.get(&key.hash)
    }

    /// Adds a session, which is the latest to log in.
    pub(super) fn add(&mut self, key: &SubjectKey, member: Member) {
        let subject = self.subjects.entry(key.hash);
        let members = &mut subject.or_default().members;
        if members.capacity() == 0 {
            // Most users have one session.
            members.reserve_exact(1);
        }
        // A session that logs in twice in one millisecond is there already.
        if let Err(at) = members.binary_search(&member) {
            members.insert(at, member);
        }
    }

    /// Removes sessions, which are in the order of their logins.
    pub(super) fn remove(&mut self, key: &SubjectKey, members: &[Member], now: u64) {
        if let Some(subject) = self.subjects.get_mut(&key.hash) {
            (subject.members).retain(|member| members.binary_search(member).is_err());
            if subject.members.is_empty() && subject.kept_until <= now {
                self.subjects.remove(&key.hash);
            }
        }
        self.forget_marks(now);
    }

    /// Raises the mark of a subject, which is kept for a while even if it has no session.
    pub(super) fn raise_mark(&mut self, key: &SubjectKey, at: Timestamp, now: u64) {
        self.forget_marks(now);
        let subject = self.subjects.entry(key.hash).or_default();
        subject.mark = subject.mark.next(at);
        let is_queued = subject.kept_until > now;
        subject.kept_until = now.saturating_add(RevocationMark::KEPT_MILLIS);
        if !is_queued {
            self.forget.push_back((subject.kept_until, key.hash));
        }
    }

    /// Forgets the marks that are no longer needed, and returns memory after many subjects have gone.
    fn forget_marks(&mut self, now: u64) {
        const SMALL: usize = 64;
        while let Some((until, hash)) = self.forget.front().copied()
            && until <= now
        {
            self.forget.pop_front();
            let Some(subject) = self.subjects.get_mut(&hash) else {
                continue;
            };
            if subject.kept_until > now {
                // Raised again meanwhile.
                self.forget.push_back((subject.kept_until, hash));
                continue;
            }
            subject.mark = RevocationMark::default();
            if subject.members.is_empty() {
                self.subjects.remove(&hash);
            }
        }
        let is_wasteful = |used, room| room > SMALL && used < room / 8;
        if is_wasteful(self.subjects.len(), self.subjects.capacity()) {
            self.subjects.shrink_to(self.subjects.len() * 2);
        }
        if is_wasteful(self.forget.len(), self.forget.capacity()) {
            self.forget.shrink_to(self.forget.len() * 2);
        }
    }
}
