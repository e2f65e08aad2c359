//! One session, packed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::tombstones::Tombstone;
use super::wheel::bucket_of;
use crate::clock::Clock;
use crate::data::EncodedFields;
use crate::record::{
    Change, CommitId, LoadRequest, Login, LoginChange, NewRecord, Record, Snapshot, Transport,
};
use crate::sid::SessionId;
use crate::store::state::{
    CommitStamp, CurrentSecret, Expiry, LoadEffects, LoadView, OtherSecrets, Verdict,
    tombstone_until,
};
use crate::store::{Inspected, Listed, LoadOutcome};
use crate::timestamp::Timestamp;

/// A session. All times are milliseconds of the store's clock.
///
/// A store may hold a million of these, so each is packed into 144 bytes. The logic is in
/// [`state`](crate::store::state).
pub(super) struct Entry<D> {
    /// The first half of its id; the map has the other one.
    pub(super) head: u64,
    secret: CurrentSecret,
    commit_id: CommitId,
    data: Arc<D>,
    extra: Option<Box<Extra>>,
    expiry: Expiry,
    /// The bucket of the wheel in which it stands; never due later than [`next_look`](Self::next_look).
    pub(super) bucket: u64,
    version: u32,
    epoch: u32,
    generation: u32,
    /// The index of its namespace in the store.
    pub(super) namespace: u16,
    transport: Transport,
    /// Loads share the lock.
    flags: AtomicU8,
}

/// The flag of a session that a load has presented.
const PRESENTED: u8 = 1;
/// The flag of a session that is in the queue of unpresented sessions.
const QUEUED: u8 = 2;

/// The flag of a session that ends early unless a load presents it.
const AWAITS_FIRST_USE: u8 = 4;

/// The parts that most sessions do not have.
#[derive(Default)]
struct Extra {
    login: Option<Arc<Login>>,
    label: Option<Arc<str>>,
    secrets: Option<Box<OtherSecrets>>,
}

impl Extra {
    /// The parts of a session that is created at this time.
    fn of<D>(record: &NewRecord<D>, at: Timestamp) -> Option<Box<Self>> {
        Self {
            login: (record.login.as_ref()).map(|login| Arc::new(Login::new(login, at))),
            label: record.label.clone(),
            secrets: None,
        }
        .boxed()
    }

    fn boxed(self) -> Option<Box<Self>> {
        let is_empty = self.login.is_none() && self.label.is_none() && self.secrets.is_none();
        (!is_empty).then(|| Box::new(self))
    }
}

impl<D> Entry<D> {
    /// A session that is created at `now`.
    pub(super) fn new(
        head: u64,
        namespace: u16,
        record: &NewRecord<D>,
        now: u64,
        at: Timestamp,
    ) -> Self {
        let mut entry = Self {
            head,
            secret: CurrentSecret::new(record.secret, now),
            commit_id: record.commit_id,
            data: record.data.clone(),
            extra: Extra::of(record, at),
            expiry: Expiry::new(record.lifetime, now).with_first_use(record.first_use_timeout),
            bucket: 0,
            version: 1,
            epoch: 0,
            generation: 0,
            namespace,
            transport: record.transport,
            flags: AtomicU8::new(match record.first_use_timeout {
                Some(_) => AWAITS_FIRST_USE,
                None => 0,
            }),
        };
        entry.file(now);
        entry.update_queued();
        entry
    }

    /// When it is next worth a look: it may have ended then.
    #[inline]
    pub(super) fn next_look(&self) -> u64 {
        self.expiry.deadline()
    }

    #[inline]
    pub(super) fn is_alive(&self, now: u64) -> bool {
        self.expiry.is_alive(now)
    }

    /// Whether a full store may evict it: no load presented it, and it belongs to no user.
    #[inline]
    pub(super) fn is_evictable(&self) -> bool {
        !self.has(PRESENTED) && self.login().is_none()
    }

    /// Moves it to the bucket of its next look, and returns that.
    pub(super) fn file(&mut self, now: u64) -> u64 {
        self.bucket = bucket_of(self.next_look(), now);
        self.bucket
    }

    /// Updates whether it is in the queue of unpresented sessions, and returns that.
    pub(super) fn update_queued(&mut self) -> bool {
        let is_queued = self.is_evictable();
        let flags = self.flags.get_mut();
        *flags = if is_queued {
            *flags | QUEUED
        } else {
            *flags & !QUEUED
        };
        is_queued
    }

    /// Whether a load has to write that it was presented.
    #[inline]
    pub(super) fn awaits_first_use(&self) -> bool {
        self.has(AWAITS_FIRST_USE)
    }

    /// Marks that a load presented its sid. Returns whether a full store could evict it until now.
    #[inline]
    pub(super) fn present(&self) -> bool {
        // Almost always it is marked already; not writing leaves the cache line to other threads.
        !self.has(PRESENTED)
            && self.flags.fetch_or(PRESENTED, Ordering::Relaxed) & PRESENTED == 0
            && self.login().is_none()
    }

    /// Whether it is in the queue of unpresented sessions.
    pub(super) fn is_queued(&self) -> bool {
        self.has(QUEUED)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    #[inline]
    pub(super) fn login(&self) -> Option<&Arc<Login>> {
        self.extra.as_ref()?.login.as_ref()
    }

    /// The session as a list shows it.
    pub(super) fn listed(&self, id: SessionId, login: &Login, clock: &Clock) -> Listed {
        let deadlines = self.expiry.deadlines(|millis| clock.at(millis));
        let label = (self.extra.as_ref()).and_then(|extra| extra.label.as_deref());
        Listed::new(id, login, &deadlines, self.expiry.lifetime, label)
    }

    /// The session as an administrator sees it, without the fields of its data, and the data.
    pub(super) fn inspected(&self, id: SessionId, clock: &Clock) -> (Inspected, Arc<D>) {
        let deadlines = self.expiry.deadlines(|millis| clock.at(millis));
        let label = (self.extra.as_ref()).and_then(|extra| extra.label.as_deref());
        let (login, lifetime) = (self.login().cloned(), self.expiry.lifetime);
        let fields = EncodedFields::new();
        let inspected = Inspected::new(id, login, &deadlines, lifetime, label, fields);
        (inspected, self.data.clone())
    }

    pub(super) fn snapshot(&self) -> Snapshot<D> {
        Snapshot {
            data: self.data.clone(),
            version: self.version.into(),
            stored: None,
        }
    }

    pub(super) fn record(&self, clock: &Clock, renewed: bool) -> Record<D> {
        Record {
            snapshot: self.snapshot(),
            epoch: self.epoch.into(),
            generation: self.generation.into(),
            commit_id: self.commit_id,
            deadlines: self.expiry.deadlines(|millis| clock.at(millis)),
            lifetime: self.expiry.lifetime,
            login: self.login().cloned(),
            renewed,
        }
    }

    /// The effects of a load; `None` if it does not find the session.
    #[inline]
    pub(super) fn on_load(&self, request: &LoadRequest, now: u64) -> Option<LoadEffects> {
        self.load_view().on_load(request, now)
    }

    #[inline]
    fn load_view(&self) -> LoadView<'_> {
        LoadView {
            transport: self.transport,
            secret: &self.secret,
            others: (self.extra.as_ref()).and_then(|extra| extra.secrets.as_deref()),
            expiry: &self.expiry,
            awaits_first_use: self.awaits_first_use(),
        }
    }

    /// The outcome of a load that does not find the session.
    #[cold]
    pub(super) fn not_found(&self, request: &LoadRequest, now: u64) -> LoadOutcome<D> {
        if self.load_view().is_reuse(request, now) {
            LoadOutcome::Reused {
                subject: self.login().map(|login| login.subject.clone()),
            }
        } else {
            LoadOutcome::Unknown
        }
    }

    pub(super) fn apply_load(&mut self, effects: LoadEffects, request: &LoadRequest, now: u64) {
        let extra = &mut self.extra;
        effects.apply(request, now, &mut self.secret, &mut self.expiry, || {
            (extra.get_or_insert_default().secrets).get_or_insert_default()
        });
        if effects.touch {
            *self.flags.get_mut() &= !AWAITS_FIRST_USE;
        }
    }

    /// Its tombstone, if it ends now because its user may have no more sessions.
    pub(super) fn tombstone(&self, now: u64) -> Tombstone {
        Tombstone {
            head: self.head,
            until: tombstone_until(self.expiry.absolute_until, now),
            others: (self.extra.as_ref()).and_then(|extra| extra.secrets.clone()),
            secret: self.secret.hash,
            namespace: self.namespace,
            transport: self.transport,
        }
    }

    fn stamp(&self) -> CommitStamp {
        CommitStamp {
            commit_id: self.commit_id,
            epoch: self.epoch.into(),
            generation: self.generation.into(),
        }
    }

    /// Checks a change; the session must be alive.
    pub(super) fn check(&self, change: &Change<D>) -> Verdict {
        self.stamp().check(change, || {
            let base = change.data.as_ref().and_then(|data| data.base.as_ref());
            base.is_none_or(|base| base.version == u64::from(self.version))
        })
    }

    /// Applies a change and returns the replaced data. Dropping it may run user code, which must not
    /// happen under a lock.
    pub(super) fn apply(&mut self, change: &Change<D>, now: u64, at: Timestamp) -> Option<Arc<D>> {
        let mut stamp = self.stamp();
        stamp.apply(change);
        self.commit_id = stamp.commit_id;
        self.epoch = wrapped(stamp.epoch);
        self.generation = wrapped(stamp.generation);
        let awaits_first_use = self.awaits_first_use();
        self.expiry.apply(change, awaits_first_use, now);
        if let Some(identity) = &change.identity {
            self.secret = CurrentSecret::new(identity.secret, now);
            let mut extra = self.extra.take().map(|extra| *extra).unwrap_or_default();
            extra.secrets = None;
            extra.login = identity.login.apply(extra.login, at);
            extra.label = extra.label.filter(|_| identity.login != LoginChange::Clear);
            self.extra = extra.boxed();
        }
        if let Some(label) = &change.label {
            let mut extra = self.extra.take().map(|extra| *extra).unwrap_or_default();
            extra.label = (!label.is_empty()).then(|| label.clone());
            self.extra = extra.boxed();
        }
        let new = change.data.as_ref()?.data.clone();
        // Versions are only compared for equality, so they may wrap.
        self.version = self.version.wrapping_add(1);
        Some(std::mem::replace(&mut self.data, new))
    }
}

/// A counter modulo 2³²: counters are only compared for equality, and half the size here.
#[allow(clippy::cast_possible_truncation, reason = "wrapping is intended")]
fn wrapped(counter: u64) -> u32 {
    counter as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_144_bytes() {
        assert!(
            size_of::<Entry<()>>() <= 144,
            "{} bytes",
            size_of::<Entry<()>>()
        );
        assert!(size_of::<Extra>() <= 32);
    }
}
