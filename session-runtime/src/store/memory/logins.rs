//! Logins, and the sessions of a subject.

use std::sync::Arc;

use super::Entry;
use super::deferred_drop::{DeferredDrop, discard};
use super::handle::Handle;
use super::records::{Put, Records};
use super::subjects::{Member, Shard};
use crate::record::{
    Change, IdentityChange, Key, Login, LoginChange, NewLogin, NewRecord, OnMaxSessions, SubjectKey,
};
use crate::sid::SessionId;
use crate::store::state::Verdict;
use crate::store::{CommitOutcome, LoginRefusal};

/// Why sessions of a subject end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The subject may have no more; each leaves a tombstone.
    Limit,
    Revoked,
}

/// The result of a change that was tried on one session.
pub(super) struct Tried<D> {
    pub(super) outcome: CommitOutcome<D>,
    /// The data that was replaced. Dropping it may run user code, which must not happen under a lock.
    pub(super) replaced: Option<Arc<D>>,
    /// The login before and after the change, if it was applied.
    logins: [Option<Arc<Login>>; 2],
}

impl<D> Tried<D> {
    const fn refused(outcome: CommitOutcome<D>) -> Self {
        Self {
            outcome,
            replaced: None,
            logins: [None, None],
        }
    }
}

impl<D> Records<D> {
    /// Commits a change to one session; with a refusal, the change is refused if it would be applied.
    #[inline]
    pub(super) fn commit(
        &self,
        key: Key,
        change: &Change<D>,
        refusal: Option<LoginRefusal>,
    ) -> Tried<D> {
        let Some(mut entry) = self.get_mut(key) else {
            return Tried::refused(CommitOutcome::Ended);
        };
        // Reads the clock under the lock; otherwise a session that another request has seen as
        // expired could come back.
        let now = self.clock.millis();
        if !entry.is_alive(now) {
            return Tried::refused(CommitOutcome::Ended);
        }
        let applied = |entry: &Entry<D>| CommitOutcome::Applied {
            snapshot: change.data.is_some().then(|| entry.snapshot()),
            ended: Vec::new(),
        };
        match (entry.check(change), refusal) {
            (Verdict::AlreadyApplied, _) => Tried::refused(applied(&entry)),
            (Verdict::Ended, _) => Tried::refused(CommitOutcome::Ended),
            (Verdict::Conflict, _) => {
                let record = Box::new(entry.record(&self.clock, false));
                Tried::refused(CommitOutcome::Conflict(record))
            }
            (Verdict::Apply, Some(refusal)) => Tried::refused(CommitOutcome::Refused(refusal)),
            (Verdict::Apply, None) => {
                let was_evictable = entry.is_evictable();
                let before = (change.identity.as_ref()).and_then(|_| entry.login().cloned());
                let replaced = entry.apply(change, now, self.clock.at(now));
                let after = (change.identity.as_ref()).and_then(|_| entry.login().cloned());
                let outcome = applied(&entry);
                self.release(entry, was_evictable, now);
                Tried {
                    outcome,
                    replaced,
                    logins: [before, after],
                }
            }
        }
    }

    /// Commits a change of the secret and perhaps of the login.
    pub(super) fn commit_identity(
        &self,
        key: Key,
        change: &Change<D>,
        identity: &IdentityChange,
    ) -> CommitOutcome<D> {
        let mut deferred = DeferredDrop::new(self);
        let tried = match &identity.login {
            LoginChange::Set(login) => self.commit_login(key, change, login, &mut deferred),
            LoginChange::Keep | LoginChange::Clear | LoginChange::Authenticate { .. } => {
                self.commit(key, change, None)
            }
        };
        let [before, after] = tried.logins;
        if let Some(before) = before {
            let is_kept = after.is_some_and(|after| {
                after.logged_in_at == before.logged_in_at && after.subject == before.subject
            });
            if !is_kept {
                self.unfile(key, &before);
            }
        }
        discard(tried.replaced);
        tried.outcome
    }

    fn commit_login(
        &self,
        key: Key,
        change: &Change<D>,
        login: &NewLogin,
        deferred: &mut DeferredDrop<'_, D>,
    ) -> Tried<D> {
        let subject = SubjectKey::new(key.namespace, &login.subject);
        let mut shard = self.subjects.lock(&subject);
        let (excess, refusal) = match self.admit(&shard, &subject, login, key.id) {
            Ok(excess) => (excess, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        let mut tried = self.commit(key, change, refusal);
        if let (CommitOutcome::Applied { ended, .. }, [_, Some(login)]) =
            (&mut tried.outcome, &tried.logins)
        {
            shard.add(&subject, Member::new(key.id, login));
            *ended = self.end_members(&mut shard, &subject, &excess, Reason::Limit, deferred);
        }
        tried
    }

    /// Adds a session with a login.
    pub(super) fn put_login(
        &self,
        key: Key,
        record: &NewRecord<D>,
        login: &NewLogin,
        deferred: &mut DeferredDrop<'_, D>,
    ) -> Put<D> {
        let subject = SubjectKey::new(key.namespace, &login.subject);
        let mut shard = self.subjects.lock(&subject);
        let excess = match self.admit(&shard, &subject, login, key.id) {
            Ok(excess) => excess,
            Err(refusal) => return Put::Refused(refusal),
        };
        let now = self.clock.millis();
        let mut put = self.put(key, record, now, deferred);
        if let Put::Done { ended, .. } = &mut put {
            let logged_in_at = self.clock.at(now);
            let id = key.id;
            shard.add(&subject, Member { logged_in_at, id });
            *ended = self.end_members(&mut shard, &subject, &excess, Reason::Limit, deferred);
        }
        put
    }

    /// Whether a session of a subject is alive. A session that has ended, or that belongs to another
    /// subject by now, is not.
    fn is_member(&self, subject: &SubjectKey, member: Member, now: u64) -> bool {
        self.get(key(subject, member.id)).is_some_and(|entry| {
            entry.is_alive(now) && entry.member_login(subject, member).is_some()
        })
    }

    /// Decides whether a login is accepted, and which sessions have to end for it. The subject is locked.
    fn admit(
        &self,
        shard: &Shard,
        subject: &SubjectKey,
        login: &NewLogin,
        id: SessionId,
    ) -> Result<Vec<Member>, LoginRefusal> {
        let found = shard.get(subject);
        let mark = found.map(|subject| subject.mark).unwrap_or_default();
        if login.fence.is_some_and(|fence| !mark.accepts(fence)) {
            return Err(LoginRefusal::Revoked);
        }
        let Some(limit) = login.limit else {
            return Ok(Vec::new());
        };
        let now = self.clock.millis();
        let members = found.map_or(&[][..], |subject| &subject.members);
        let mut others: Vec<_> = (members.iter())
            .filter(|member| member.id != id && self.is_member(subject, **member, now))
            .copied()
            .collect();
        let max = usize::try_from(limit.max.get()).unwrap_or(usize::MAX);
        let excess = (others.len() + 1).saturating_sub(max);
        if excess > 0 && limit.when_reached == OnMaxSessions::Refuse {
            return Err(LoginRefusal::TooManySessions);
        }
        others.truncate(excess);
        Ok(others)
    }

    /// Ends sessions of a subject, which is locked. Returns the ids of those that were alive.
    pub(super) fn end_members(
        &self,
        shard: &mut Shard,
        subject: &SubjectKey,
        members: &[Member],
        reason: Reason,
        deferred: &mut DeferredDrop<'_, D>,
    ) -> Vec<SessionId> {
        let now = self.clock.millis();
        let mut ended = Vec::new();
        for member in members {
            let mut was_alive = false;
            let removed = self.remove(key(subject, member.id), |entry| {
                was_alive = entry.is_alive(now);
                let is_member = entry.member_login(subject, *member).is_some();
                // Within the step that ends it: a load finds one or the other.
                if is_member && was_alive && reason == Reason::Limit {
                    let (_, handle) = Handle::split(&member.id);
                    self.tombstones.add(handle, entry.tombstone(now));
                }
                is_member
            });
            if let Some(removed) = removed {
                deferred.sessions.push(removed);
                ended.extend(was_alive.then_some(member.id));
            }
        }
        shard.remove(subject, members, now);
        ended
    }

    /// Removes a former login of a session from the index. No lock is held.
    #[cold]
    pub(super) fn unfile(&self, key: Key, login: &Login) {
        let subject = SubjectKey::new(key.namespace, &login.subject);
        let member = Member::new(key.id, login);
        let mut shard = self.subjects.lock(&subject);
        // It may have been logged in again in the same millisecond.
        let entry = self.get(key);
        let is_current = entry.is_some_and(|entry| entry.member_login(&subject, member).is_some());
        if !is_current {
            shard.remove(&subject, &[member], self.clock.millis());
        }
    }

    /// Removes the login of a session that was removed from the index. No lock is held.
    #[inline]
    pub(super) fn unfile_removed(&self, handle: Handle, removed: &Entry<D>) {
        if let Some(login) = removed.login()
            && let Some(namespace) = self.namespaces.name(removed.namespace)
        {
            let id = handle.id(removed.head);
            self.unfile(Key { namespace, id }, login);
        }
    }
}

fn key(subject: &SubjectKey, id: SessionId) -> Key {
    Key {
        namespace: subject.namespace,
        id,
    }
}

impl<D> Entry<D> {
    /// The login, if it is the one of this member.
    pub(super) fn member_login(&self, subject: &SubjectKey, member: Member) -> Option<&Login> {
        (self.login()).map(|login| &**login).filter(|login| {
            login.logged_in_at == member.logged_in_at
                && SubjectKey::new(subject.namespace, &login.subject) == *subject
        })
    }
}
