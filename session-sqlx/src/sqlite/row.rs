//! What a new row is, what a change does to one, and how it is written.

use sqlx::Sqlite;

use crate::bound::Bound;
use crate::number::{number, way};
use crate::row::Row;
use crate::text;
use crate::time::length;
use connect_session_runtime::record::{Change, CommitId, IdentityChange, Lifetime, NewRecord};
use connect_session_runtime::sid::SecretHash;

/// A change without its data, whose type is the program's.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    commit_id: CommitId,
    epoch: i64,
    generation: i64,
    identity: Option<IdentityChange>,
    lifetime: Option<Lifetime>,
}

impl Facts {
    pub(super) fn of<D>(change: &Change<D>) -> Self {
        Self {
            commit_id: change.commit_id,
            epoch: number(change.epoch),
            generation: number(change.generation),
            identity: change.identity.clone(),
            lifetime: change.lifetime,
        }
    }
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ended,
    Repeated,
    Conflict,
    Apply,
}

impl Row {
    /// A new row, which has not begun.
    pub(super) fn new<D>(record: &NewRecord<D>) -> Self {
        Self {
            version: 1,
            epoch: 0,
            generation: 0,
            commit_id: record.commit_id,
            transport: way(record.transport),
            secret: record.secret,
            secret_since: 0,
            offer: None,
            previous: None,
            idle: length(record.lifetime.idle()),
            absolute: length(record.lifetime.absolute()),
            created_at: 0,
            idle_until: 0,
            absolute_until: 0,
            due: 0,
            subject: record.subject.clone(),
        }
    }

    /// This new row, as one that begins now.
    pub(super) fn begun(mut self, now: i64) -> Self {
        (self.secret_since, self.created_at) = (now, now);
        self.idle_until = now + self.idle;
        self.absolute_until = now + self.absolute;
        self.due = self.deadline();
        self
    }

    /// Whether a change is to be applied; `is_current` says whether every field that it writes is
    /// what it is based on.
    pub(super) fn judge(
        &self,
        change: &Facts,
        now: i64,
        is_current: impl FnOnce() -> bool,
    ) -> Verdict {
        if !self.is_alive(now) {
            return Verdict::Ended;
        }
        if self.commit_id == change.commit_id {
            return Verdict::Repeated;
        }
        if self.generation != change.generation {
            return Verdict::Ended;
        }
        let is_late = change.identity.is_some() && self.epoch != change.epoch;
        if is_late || !is_current() {
            return Verdict::Conflict;
        }
        Verdict::Apply
    }

    /// Applies everything of a change but its data.
    pub(super) fn apply(&mut self, change: &Facts, writes_data: bool, now: i64) {
        self.commit_id = change.commit_id;
        self.version += i64::from(writes_data);
        if let Some(lifetime) = change.lifetime {
            self.idle = length(lifetime.idle());
            self.absolute = length(lifetime.absolute());
            self.absolute_until = now + self.absolute;
        }
        if let Some(identity) = &change.identity {
            self.secret = identity.secret;
            self.secret_since = now;
            self.offer = None;
            self.previous = None;
            self.epoch += 1;
            if identity.new_generation {
                self.generation += 1;
                self.absolute_until = now + self.absolute;
            }
            self.subject = identity.subject.apply(self.subject.take());
        }
        self.idle_until = now + self.idle;
        self.due = self.due.min(self.deadline());
    }

    /// Writes [`COLUMNS`].
    pub(super) fn bind(&self, bound: Bound<Sqlite>) -> Bound<Sqlite> {
        let bytes = |secret: SecretHash| secret.as_bytes().to_vec();
        let subject = self.subject.as_deref();
        bound
            .and(self.version)
            .and(self.epoch)
            .and(self.generation)
            .and(self.commit_id.to_bytes().to_vec())
            .and(self.transport)
            .and(bytes(self.secret))
            .and(self.secret_since)
            .and(self.offer.map(|offer| bytes(offer.secret)))
            .and(self.offer.map(|offer| offer.at))
            .and(self.offer.map(|offer| offer.grace))
            .and(self.previous.map(|(secret, _)| bytes(secret)))
            .and(self.previous.map(|(_, until)| until))
            .and(self.idle)
            .and(self.absolute)
            .and(self.created_at)
            .and(self.idle_until)
            .and(self.absolute_until)
            .and(self.due)
            .and(subject.map(|subject| text::escape(subject).into_owned()))
    }
}
