//! One session, packed.

use std::sync::Arc;

use crate::clock::Clock;
use crate::record::{Change, CommitId, LoadRequest, NewRecord, Record, Snapshot, Transport};
use crate::sid::SessionId;
use crate::store::state::{
    CommitStamp, CurrentSecret, Expiry, LoadEffects, LoadView, OtherSecrets, Verdict,
};

/// A session. All times are milliseconds of the store's clock.
///
/// A store may hold a million of these, so each is packed into 160 bytes. The logic is in
/// [`state`](crate::store::state).
pub(super) struct Entry<D> {
    pub(super) id: SessionId,
    secret: CurrentSecret,
    commit_id: CommitId,
    data: Arc<D>,
    extra: Option<Box<Extra>>,
    expiry: Expiry,
    /// The deadline under which the shard's index has this session; never later than the real one.
    pub(super) indexed_deadline: u64,
    /// The session's position in each of the shard's heaps.
    positions: [u32; 2],
    version: u32,
    epoch: u32,
    generation: u32,
    /// The index of its namespace in the shard.
    pub(super) namespace: u16,
    transport: Transport,
    /// Whether a load ever presented its sid.
    loaded: bool,
}

/// The position of a session that is not in a heap.
const NOWHERE: u32 = u32::MAX;

/// The parts that most sessions do not have.
#[derive(Default)]
struct Extra {
    subject: Option<Arc<str>>,
    secrets: Option<Box<OtherSecrets>>,
}

/// The heaps of a shard, by the key that they are sorted by.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    /// The deadline under which a session is indexed.
    Deadline,
    /// The id; ids sort by creation time.
    Age,
}

/// The heap-allocated parts of a removed session.
pub(super) struct Owned<D> {
    _data: Arc<D>,
    _extra: Option<Box<Extra>>,
}

impl<D> Entry<D> {
    /// A session that is created at `now`.
    pub(super) fn new(id: SessionId, record: &NewRecord<D>, now: u64) -> Self {
        Self {
            id,
            secret: CurrentSecret::new(record.secret, now),
            commit_id: record.commit_id,
            data: record.data.clone(),
            extra: with_subject(record.subject.clone()),
            expiry: Expiry::new(record.lifetime, now),
            indexed_deadline: 0,
            positions: [NOWHERE; 2],
            version: 1,
            epoch: 0,
            generation: 0,
            namespace: 0,
            transport: record.transport,
            loaded: false,
        }
    }

    pub(super) fn deadline(&self) -> u64 {
        self.expiry.deadline()
    }

    pub(super) fn is_alive(&self, now: u64) -> bool {
        self.expiry.is_alive(now)
    }

    /// Whether a full store may evict it: no load presented it, and it belongs to no subject.
    pub(super) fn is_evictable(&self) -> bool {
        self.is_unpresented() && self.subject().is_none()
    }

    /// Whether no load ever presented its sid.
    pub(super) fn is_unpresented(&self) -> bool {
        !self.loaded
    }

    /// The key by which a heap sorts it.
    pub(super) fn key(&self, by: By) -> u128 {
        match by {
            By::Deadline => self.indexed_deadline.into(),
            By::Age => u128::from_be_bytes(*self.id.as_bytes()),
        }
    }

    pub(super) fn position(&self, by: By) -> Option<usize> {
        let at = self.positions[by as usize];
        (at != NOWHERE).then_some(at as usize)
    }

    pub(super) fn set_position(&mut self, by: By, at: Option<usize>) {
        let at = at.and_then(|at| u32::try_from(at).ok());
        self.positions[by as usize] = at.unwrap_or(NOWHERE);
    }

    /// The parts to drop without a lock: dropping them may run user code or take the allocator long.
    pub(super) fn into_owned(self) -> Owned<D> {
        Owned {
            _data: self.data,
            _extra: self.extra,
        }
    }

    fn subject(&self) -> Option<&Arc<str>> {
        self.extra.as_ref()?.subject.as_ref()
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
            subject: self.subject().cloned(),
            renewed,
        }
    }

    /// The effects of a load; `None` if it does not find the session.
    pub(super) fn on_load(&self, request: &LoadRequest, now: u64) -> Option<LoadEffects> {
        let view = LoadView {
            transport: self.transport,
            secret: &self.secret,
            others: (self.extra.as_ref()).and_then(|extra| extra.secrets.as_deref()),
            expiry: &self.expiry,
        };
        view.on_load(request, now)
    }

    /// Marks that a load presented its sid.
    pub(super) fn mark_loaded(&mut self) {
        self.loaded = true;
    }

    pub(super) fn apply_load(&mut self, effects: LoadEffects, request: &LoadRequest, now: u64) {
        self.mark_loaded();
        let extra = &mut self.extra;
        effects.apply(request, now, &mut self.secret, &mut self.expiry, || {
            (extra.get_or_insert_default().secrets).get_or_insert_default()
        });
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
    pub(super) fn apply(&mut self, change: &Change<D>, now: u64) -> Option<Arc<D>> {
        let mut stamp = self.stamp();
        stamp.apply(change);
        self.commit_id = stamp.commit_id;
        self.epoch = wrapped(stamp.epoch);
        self.generation = wrapped(stamp.generation);
        self.expiry.apply(change, now);
        if let Some(identity) = &change.identity {
            self.secret = CurrentSecret::new(identity.secret, now);
            // Dropping the old `Extra` drops every other secret.
            self.extra = with_subject(identity.subject.apply(self.subject().cloned()));
        }
        let new = change.data.as_ref()?.data.clone();
        // Versions are only compared for equality, so they may wrap.
        self.version = self.version.wrapping_add(1);
        Some(std::mem::replace(&mut self.data, new))
    }

    #[cfg(test)]
    pub(super) fn set_lifetime(&mut self, lifetime: crate::record::Lifetime, now: u64) {
        self.expiry = Expiry::new(lifetime, now);
    }
}

fn with_subject(subject: Option<Arc<str>>) -> Option<Box<Extra>> {
    subject.map(|subject| {
        Box::new(Extra {
            subject: Some(subject),
            secrets: None,
        })
    })
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
    fn a_session_has_160_bytes() {
        assert!(
            size_of::<Entry<()>>() <= 160,
            "{} bytes",
            size_of::<Entry<()>>()
        );
        assert!(size_of::<Extra>() <= 24);
    }
}
