//! The guards of a session, and the changes of each that are not stored yet.

use super::tracked_data::TrackedData;
use crate::record::{Lifetime, SubjectChange};
use crate::sid::Sid;

/// Identifies a guard of a session in its request. The first one is 0.
pub(crate) type GuardIndex = usize;

/// What the handler of one guard has changed, and the guard has not committed yet.
pub(crate) struct Pending<D> {
    /// A new sid.
    pub(crate) identity: Option<Box<Identity>>,
    pub(crate) lifetime: Option<Lifetime>,
    /// The data of the session that the handler dropped.
    pub(crate) returned: Option<TrackedData<D>>,
    /// The number of resets before the handler loaded its data. If there was another one since, the
    /// data belongs to somebody else.
    pub(super) resets_seen: usize,
    /// Whether the guard stores a new session that its handler has not changed.
    pub(crate) creates: bool,
    /// Whether the guard has started to commit. The handler can no longer change the sid then.
    pub(crate) closed: bool,
}

/// A change of the sid.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) sid: Sid,
    pub(crate) new_generation: bool,
    pub(crate) subject: SubjectChange,
    /// Whether the data is replaced, not merged.
    pub(crate) reset: bool,
}

/// The guards of one session in one request.
pub(crate) struct Guards<D> {
    first: Pending<D>,
    /// The guards that opened the session after the first one, as in a handler under middleware.
    later: Vec<Pending<D>>,
    open: usize,
}

impl<D> Pending<D> {
    fn new(creates: bool, resets_seen: usize) -> Self {
        Self {
            identity: None,
            lifetime: None,
            returned: None,
            resets_seen,
            creates,
            closed: false,
        }
    }

    /// Whether a pending reset replaces the data.
    pub(crate) fn resets(&self) -> bool {
        (self.identity.as_ref()).is_some_and(|identity| identity.reset)
    }

    /// Whether a pending login or reset ends what other requests may still write.
    pub(super) fn logs_in(&self) -> bool {
        (self.identity.as_ref()).is_some_and(|identity| identity.new_generation)
    }

    /// Discards the pending changes of the sid and the lifetime.
    pub(crate) fn forget_identity(&mut self) {
        self.identity = None;
        self.lifetime = None;
    }
}

impl<D> Guards<D> {
    /// One open guard.
    pub(super) fn new(creates: bool) -> Self {
        Self {
            first: Pending::new(creates, 0),
            later: Vec::new(),
            open: 1,
        }
    }

    /// Adds an open guard.
    pub(super) fn join(&mut self, creates: bool, resets_seen: usize) -> GuardIndex {
        self.later.push(Pending::new(creates, resets_seen));
        self.open += 1;
        self.later.len()
    }

    /// Marks a guard as closed.
    pub(super) fn close(&mut self, guard: GuardIndex) {
        let pending = self.get_mut(guard);
        if !pending.closed {
            pending.closed = true;
            self.open = self.open.saturating_sub(1);
        }
    }

    pub(crate) fn get(&self, guard: GuardIndex) -> &Pending<D> {
        match guard.checked_sub(1).and_then(|index| self.later.get(index)) {
            Some(pending) => pending,
            None => &self.first,
        }
    }

    pub(crate) fn get_mut(&mut self, guard: GuardIndex) -> &mut Pending<D> {
        match guard
            .checked_sub(1)
            .and_then(|index| self.later.get_mut(index))
        {
            Some(pending) => pending,
            None => &mut self.first,
        }
    }

    /// Whether more than one guard has opened the session.
    pub(crate) fn are_many(&self) -> bool {
        !self.later.is_empty()
    }

    pub(super) fn any_open(&self) -> bool {
        self.open > 0
    }

    /// Whether an open guard will store a new session.
    pub(super) fn any_creates(&self) -> bool {
        self.iter()
            .any(|pending| pending.creates && !pending.closed)
    }

    /// The new sid that a guard is about to store.
    pub(super) fn pending_sid(&self) -> Option<Sid> {
        let mut identities = self.iter().filter_map(|pending| pending.identity.as_ref());
        identities.next().map(|identity| identity.sid)
    }

    /// The new sid that another guard is about to store.
    pub(crate) fn pending_sid_of_others(&self, guard: GuardIndex) -> Option<Sid> {
        let others = self.iter().enumerate().filter(|(index, _)| *index != guard);
        let mut identities = others.filter_map(|(_, pending)| pending.identity.as_ref());
        identities.next().map(|identity| identity.sid)
    }

    /// The subject once all pending logins are stored.
    pub(super) fn pending_subject(&self) -> Option<&SubjectChange> {
        let mut identities = self.iter().filter_map(|pending| pending.identity.as_ref());
        identities.find_map(|identity| match &identity.subject {
            SubjectChange::Keep => None,
            subject => Some(subject),
        })
    }

    /// Discards the pending changes of every guard's sid and lifetime.
    pub(super) fn forget_identities(&mut self) {
        self.first.forget_identity();
        self.later.iter_mut().for_each(Pending::forget_identity);
    }

    /// Discards rotations that another guard has stored: the guards of a request share a new sid.
    pub(super) fn forget_rotations_to(&mut self, sid: Sid) {
        for pending in std::iter::once(&mut self.first).chain(&mut self.later) {
            let is_stored = |identity: &mut Box<Identity>| {
                identity.sid.secret_hash() == sid.secret_hash()
                    && !identity.new_generation
                    && identity.subject == SubjectChange::Keep
            };
            pending.identity.take_if(is_stored);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Pending<D>> {
        std::iter::once(&self.first).chain(&self.later)
    }
}
