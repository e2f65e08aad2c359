//! One session: who may load it, and what a change does to it.

use std::sync::Arc;

use super::heap::By;
use super::secrets::{OtherSecrets, Presented};
use crate::clock::{Clock, millis};
use crate::record::{
    Change, CommitId, Deadlines, IdentityChange, Lifetime, LoadRequest, NewRecord, Record,
    Snapshot, Transport,
};
use crate::sid::{SecretHash, SessionId};

/// A session. All times are milliseconds of the store's clock.
///
/// There may be a million of these: 160 bytes.
pub(super) struct Entry<D> {
    pub(super) id: SessionId,
    secret: SecretHash,
    /// A [`CommitId`], as bytes because those need no alignment.
    commit_id: [u8; 16],
    data: Arc<D>,
    extra: Option<Box<Extra>>,
    created: u64,
    /// When the secret became the current one.
    secret_since: u64,
    idle: u64,
    idle_until: u64,
    absolute: u64,
    absolute_until: u64,
    /// By what the shard's index of deadlines has this session; never later than its deadline.
    pub(super) filed: u64,
    /// Where each of the shard's heaps has this session.
    positions: [u32; 2],
    version: u32,
    epoch: u32,
    generation: u32,
    /// Which of the shard's namespaces it belongs to.
    pub(super) space: u16,
    transport: Transport,
    /// Whether a load ever presented its sid.
    loaded: bool,
}

/// The position of a session that is not in a heap.
const NOWHERE: u32 = u32::MAX;

/// What most sessions do not have.
#[derive(Default)]
struct Extra {
    subject: Option<Arc<str>>,
    secrets: Option<Box<OtherSecrets>>,
}

/// What a session held on to.
pub(super) struct Owned<D> {
    _data: Arc<D>,
    _extra: Option<Box<Extra>>,
}

/// What a load that is let in has to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writes {
    first: bool,
    touch: bool,
    secret: Step,
}

/// What a load does to the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Offer,
    Promote,
}

impl Writes {
    /// Whether nothing moves a deadline or a secret.
    pub(super) fn leave_it(self) -> bool {
        !self.touch && self.secret == Step::Nothing
    }

    /// Whether no load presented the sid before.
    pub(super) fn is_first(self) -> bool {
        self.first
    }

    /// Whether a second secret is offered.
    pub(super) fn offers(self) -> bool {
        self.secret == Step::Offer
    }
}

/// What becomes of a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Repeated,
    OtherGeneration,
    Conflict,
    Apply,
}

impl<D> Entry<D> {
    /// A session whose life begins now.
    pub(super) fn new(id: SessionId, record: &NewRecord<D>, now: u64) -> Self {
        let extra = record.subject.clone().map(|subject| {
            Box::new(Extra {
                subject: Some(subject),
                secrets: None,
            })
        });
        let mut entry = Self {
            id,
            secret: record.secret,
            commit_id: record.commit_id.to_bytes(),
            data: record.data.clone(),
            extra,
            created: now,
            secret_since: now,
            idle: 0,
            idle_until: 0,
            absolute: 0,
            absolute_until: 0,
            filed: 0,
            positions: [NOWHERE; 2],
            version: 1,
            epoch: 0,
            generation: 0,
            space: 0,
            transport: record.transport,
            loaded: false,
        };
        entry.live_for(record.lifetime, now);
        entry
    }

    pub(super) fn live_for(&mut self, lifetime: Lifetime, now: u64) {
        self.idle = lifetime.idle_millis();
        self.absolute = lifetime.absolute_millis();
        self.restart(now);
    }

    fn restart(&mut self, now: u64) {
        self.absolute_until = now.saturating_add(self.absolute);
        self.slide(now);
    }

    fn slide(&mut self, now: u64) {
        self.idle_until = now.saturating_add(self.idle);
    }

    pub(super) fn deadline(&self) -> u64 {
        self.idle_until.min(self.absolute_until)
    }

    /// At its deadline a session is gone.
    pub(super) fn is_alive(&self, now: u64) -> bool {
        now < self.deadline()
    }

    /// Whether it may have to give way when the store is full.
    pub(super) fn is_fresh(&self) -> bool {
        !self.loaded && self.subject().is_none()
    }

    /// What a heap sorts it by.
    pub(super) fn key(&self, by: By) -> u128 {
        match by {
            By::Filing => self.filed.into(),
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

    /// What may run the user's code when it is dropped, or take an allocator its time.
    pub(super) fn into_owned(self) -> Owned<D> {
        Owned {
            _data: self.data,
            _extra: self.extra,
        }
    }

    fn subject(&self) -> Option<&Arc<str>> {
        self.extra.as_ref()?.subject.as_ref()
    }

    fn secrets(&self) -> Option<&OtherSecrets> {
        self.extra.as_ref()?.secrets.as_deref()
    }

    fn secrets_mut(&mut self) -> &mut OtherSecrets {
        self.extra
            .get_or_insert_default()
            .secrets
            .get_or_insert_default()
    }

    pub(super) fn snapshot(&self) -> Snapshot<D> {
        Snapshot {
            data: self.data.clone(),
            version: self.version.into(),
            revisions: None,
        }
    }

    pub(super) fn record(&self, clock: &Clock, renewed: bool) -> Record<D> {
        Record {
            snapshot: self.snapshot(),
            epoch: self.epoch.into(),
            generation: self.generation.into(),
            commit_id: CommitId::from_bytes(self.commit_id),
            deadlines: Deadlines {
                created_at: clock.at(self.created),
                idle_until: clock.at(self.idle_until),
                absolute_until: clock.at(self.absolute_until),
            },
            lifetime: Lifetime::from_millis(self.idle, self.absolute),
            subject: self.subject().cloned(),
            renewed,
        }
    }

    /// What letting this load in would write; `None` if it is not let in.
    pub(super) fn admit(&self, request: &LoadRequest, now: u64) -> Option<Writes> {
        if !self.is_alive(now) || self.transport != request.transport {
            return None;
        }
        let secret = if self.secret == request.secret {
            self.step_of_current(request, now)
        } else {
            match self.secrets()?.find(request.secret, now)? {
                Presented::Offer => Step::Promote,
                Presented::Previous => Step::Nothing,
            }
        };
        // A session may have a shorter life of its own than its config was written for.
        let touch_every = (request.touch_every.map(millis))
            .filter(|every| *every < self.idle)
            .unwrap_or(self.idle / 10);
        let touched = self.idle_until.saturating_sub(self.idle);
        Some(Writes {
            first: !self.loaded,
            touch: now.saturating_sub(touched) >= touch_every.max(1),
            secret,
        })
    }

    fn step_of_current(&self, request: &LoadRequest, now: u64) -> Step {
        let Some(renewal) = &request.renewal else {
            return Step::Nothing;
        };
        let every = millis(renewal.every);
        let is_old = now.saturating_sub(self.secret_since) >= every;
        let may_offer = |others: &OtherSecrets| others.may_offer(every, now);
        if is_old && self.secrets().is_none_or(may_offer) {
            Step::Offer
        } else {
            Step::Nothing
        }
    }

    /// A load presents its sid.
    pub(super) fn mark_loaded(&mut self) {
        self.loaded = true;
    }

    pub(super) fn carry_out(&mut self, writes: Writes, request: &LoadRequest, now: u64) {
        self.mark_loaded();
        if writes.touch {
            self.slide(now);
        }
        let renewal = request.renewal.as_ref();
        match (writes.secret, renewal) {
            (Step::Offer, Some(renewal)) => self.secrets_mut().offer(renewal, now),
            (Step::Promote, _) => {
                let current = self.secret;
                if let Some(secret) = self.secrets_mut().promote(current, renewal, now) {
                    self.secret = secret;
                    self.secret_since = now;
                }
            }
            _ => {}
        }
    }

    /// Whether a change is to be applied; the session is alive.
    pub(super) fn judge(&self, change: &Change<D>) -> Verdict {
        if self.commit_id == change.commit_id.to_bytes() {
            return Verdict::Repeated;
        }
        if u64::from(self.generation) != change.generation {
            return Verdict::OtherGeneration;
        }
        let base = change.data.as_ref().and_then(|data| data.base.as_ref());
        let is_stale = base.is_some_and(|base| base.version != u64::from(self.version));
        if is_stale || (change.identity.is_some() && u64::from(self.epoch) != change.epoch) {
            return Verdict::Conflict;
        }
        Verdict::Apply
    }

    /// Applies a change, and gives the data that was there before if it was replaced: dropping
    /// it may run the user's code, which must not happen under a lock.
    pub(super) fn apply(&mut self, change: &Change<D>, now: u64) -> Option<Arc<D>> {
        self.commit_id = change.commit_id.to_bytes();
        if let Some(identity) = &change.identity {
            self.identify(identity, now);
        }
        match change.lifetime {
            Some(lifetime) => self.live_for(lifetime, now),
            None => self.slide(now),
        }
        let new = change.data.as_ref()?.data.clone();
        // Equality is all that is asked of a version, so that it may wrap.
        self.version = self.version.wrapping_add(1);
        Some(std::mem::replace(&mut self.data, new))
    }

    fn identify(&mut self, identity: &IdentityChange, now: u64) {
        self.secret = identity.secret;
        self.secret_since = now;
        self.epoch = self.epoch.wrapping_add(1);
        if identity.new_generation {
            self.generation = self.generation.wrapping_add(1);
            self.restart(now);
        }
        let subject = identity.subject.apply(self.subject().cloned());
        // Every other secret goes with the old `Extra`.
        self.extra = subject.map(|subject| {
            Box::new(Extra {
                subject: Some(subject),
                secrets: None,
            })
        });
    }
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
