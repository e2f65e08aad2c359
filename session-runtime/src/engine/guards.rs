//! The guards of a session, and the changes of each guard that are not stored yet.

use std::sync::Arc;

use super::tracked_data::TrackedData;
use crate::record::{Lifetime, Login, LoginChange, NewLogin, RevocationMark};
use crate::sid::Sid;
use crate::timestamp::Timestamp;

/// Identifies a guard of a session in its request. The first one is 0.
pub(crate) type GuardIndex = usize;

/// One guard, with the changes of its handler that are not stored yet.
pub(crate) struct GuardState<D> {
    /// A new sid, perhaps with a new login.
    pub(crate) sid_change: Option<Box<SidChange>>,
    pub(crate) lifetime: Option<Lifetime>,
    /// A new label; an empty one is none.
    pub(crate) label: Option<Arc<str>>,
    /// The data of the session that the handler dropped.
    pub(crate) returned: Option<TrackedData<D>>,
    /// The number of resets when the handler loaded its data. If there have been more since, the data
    /// belongs to the previous user.
    pub(super) resets_seen: u32,
    /// Whether the guard stores a new session whose data its handler has not changed.
    pub(crate) creation: Creation,
    /// Whether the user proved who they are recently enough for this handler, or in it.
    pub(crate) is_authenticated: bool,
    /// Whether the guard has started to commit, so that the handler can no longer change the sid.
    pub(crate) closed: bool,
}

/// When a guard stores a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creation {
    /// If its handler has changed the session: the guard only loads.
    IfChanged,
    /// The same, but its session is there for other guards of the request.
    Lazy,
    /// Always.
    Always,
}

/// A change of the sid.
#[derive(Clone)]
pub(crate) struct SidChange {
    pub(crate) sid: Sid,
    pub(crate) new_generation: bool,
    pub(crate) login: LoginChange,
    /// When the login can no longer be stored, because the attempt has taken too long.
    pub(crate) login_until: Option<Timestamp>,
    /// Whether the data is replaced, not merged.
    pub(crate) reset: bool,
}

impl SidChange {
    /// The change of the login, if it is stored now.
    pub(super) fn login_at(&self, now: impl FnOnce() -> Timestamp) -> LoginChange {
        let mut change = self.login.clone();
        if let (LoginChange::Set(login), Some(until)) = (&mut change, self.login_until)
            && until <= now()
        {
            login.fence = Some(RevocationMark::NEVER);
        }
        change
    }
}

/// The guards of one session in one request.
pub(crate) struct Guards<D> {
    first: GuardState<D>,
    /// The guards that opened the session after the first one, as in a handler under middleware. Boxed,
    /// because most requests have none.
    #[allow(
        clippy::box_collection,
        reason = "one word instead of three, which every request would move"
    )]
    later: Option<Box<Vec<GuardState<D>>>>,
}

impl<D> GuardState<D> {
    #[inline]
    fn new(creation: Creation, resets_seen: u32) -> Self {
        Self {
            sid_change: None,
            lifetime: None,
            label: None,
            returned: None,
            resets_seen,
            creation,
            is_authenticated: false,
            closed: false,
        }
    }

    /// Whether a pending reset replaces the data.
    #[inline]
    pub(crate) fn resets(&self) -> bool {
        (self.sid_change.as_ref()).is_some_and(|change| change.reset)
    }

    /// Whether a pending login or reset will invalidate the changes of other requests.
    #[inline]
    pub(super) fn starts_new_generation(&self) -> bool {
        (self.sid_change.as_ref()).is_some_and(|change| change.new_generation)
    }

    /// The login of a session that is not stored yet.
    pub(super) fn new_login(&self, now: impl FnOnce() -> Timestamp) -> Option<NewLogin> {
        match self.sid_change.as_ref()?.login_at(now) {
            LoginChange::Set(login) => Some(login),
            _ => None,
        }
    }

    /// The label of a session that is not stored yet.
    pub(super) fn new_label(&self) -> Option<Arc<str>> {
        self.label.clone().filter(|label| !label.is_empty())
    }

    /// Whether nothing but the data may have to be stored.
    #[inline]
    pub(crate) fn has_only_data(&self) -> bool {
        self.sid_change.is_none() && self.lifetime.is_none() && self.label.is_none()
    }

    /// Discards all pending changes except those of the data.
    #[inline]
    pub(crate) fn discard_all_but_data(&mut self) {
        self.sid_change = None;
        self.lifetime = None;
        self.label = None;
    }
}

impl<D> Guards<D> {
    /// One open guard.
    #[inline]
    pub(super) fn new(creation: Creation) -> Self {
        Self {
            first: GuardState::new(creation, 0),
            later: None,
        }
    }

    /// Adds an open guard.
    pub(super) fn join(&mut self, creation: Creation, resets_seen: u32) -> GuardIndex {
        let later = self.later.get_or_insert_default();
        later.push(GuardState::new(creation, resets_seen));
        later.len()
    }

    #[inline]
    pub(crate) fn get(&self, guard: GuardIndex) -> &GuardState<D> {
        let later = |index| self.later.as_ref()?.get(index);
        guard.checked_sub(1).and_then(later).unwrap_or(&self.first)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, guard: GuardIndex) -> &mut GuardState<D> {
        match (&mut self.later, guard.checked_sub(1)) {
            (Some(later), Some(index)) => later.get_mut(index).unwrap_or(&mut self.first),
            _ => &mut self.first,
        }
    }

    /// Whether more than one guard has opened the session.
    #[inline]
    pub(crate) fn are_many(&self) -> bool {
        self.later.is_some()
    }

    /// Whether no guard that opened the session before this one is still open. Its response is then the
    /// last one that can carry the sid.
    #[inline]
    pub(super) fn is_outermost(&self, guard: GuardIndex) -> bool {
        self.iter().take(guard).all(|outer| outer.closed)
    }

    /// Whether an open guard has created the session, so that a guard that loads finds it.
    pub(super) fn any_creates(&self) -> bool {
        self.iter()
            .any(|pending| pending.creation != Creation::IfChanged && !pending.closed)
    }

    /// The new sid that a guard is about to store.
    #[inline]
    pub(super) fn pending_sid(&self) -> Option<Sid> {
        let mut changes = self
            .iter()
            .filter_map(|pending| pending.sid_change.as_ref());
        changes.next().map(|change| change.sid)
    }

    /// The new sid that another guard is about to store.
    #[inline]
    pub(crate) fn pending_sid_of_others(&self, guard: GuardIndex) -> Option<Sid> {
        let others = self.iter().enumerate().filter(|(index, _)| *index != guard);
        let mut changes = others.filter_map(|(_, pending)| pending.sid_change.as_ref());
        changes.next().map(|change| change.sid)
    }

    /// The login once all pending changes are stored.
    pub(super) fn login_after(
        &self,
        stored: Option<Arc<Login>>,
        now: Timestamp,
    ) -> Option<Arc<Login>> {
        let changes = self
            .iter()
            .filter_map(|pending| pending.sid_change.as_ref());
        changes.fold(stored, |login, change| change.login.apply(login, now))
    }

    /// Raises the level of a login that another guard is about to store. Returns whether there is one.
    pub(crate) fn raise_pending_login_of_others(
        &mut self,
        guard: GuardIndex,
        level: Option<u8>,
    ) -> bool {
        let mut is_pending = false;
        for (index, pending) in self.iter_mut().enumerate() {
            if let Some(change) = pending.sid_change.as_mut().filter(|_| index != guard)
                && let LoginChange::Set(login) = &mut change.login
            {
                login.level = level.unwrap_or(login.level);
                is_pending = true;
            }
        }
        is_pending
    }

    /// Forgets proofs of identity that other guards have not stored yet: another user has logged in.
    pub(super) fn forget_authentications(&mut self) {
        for pending in self.iter_mut() {
            if let Some(change) = &mut pending.sid_change
                && matches!(change.login, LoginChange::Authenticate { .. })
            {
                change.login = LoginChange::Keep;
            }
        }
    }

    /// Discards all pending changes of every guard except those of the data.
    #[inline]
    pub(super) fn discard_all_but_data(&mut self) {
        self.iter_mut().for_each(GuardState::discard_all_but_data);
    }

    /// Discards rotations that another guard has stored: the guards of a request share a new sid.
    #[inline]
    pub(super) fn forget_rotations_to(&mut self, sid: Sid) {
        for pending in self.iter_mut() {
            let is_stored = |change: &mut Box<SidChange>| {
                change.sid.secret_hash() == sid.secret_hash()
                    && !change.new_generation
                    && change.login == LoginChange::Keep
            };
            pending.sid_change.take_if(is_stored);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &GuardState<D>> {
        let later = self.later.iter().flat_map(|later| later.iter());
        std::iter::once(&self.first).chain(later)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut GuardState<D>> {
        let later = self.later.iter_mut().flat_map(|later| later.iter_mut());
        std::iter::once(&mut self.first).chain(later)
    }
}
