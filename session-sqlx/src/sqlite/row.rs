//! What a new row is, what a change does to one, and how it is written.

use sqlx::Sqlite;

use crate::args::Args;
use crate::convert::to_millis;
use crate::convert::{to_i64, transport_code};
use crate::escape;
use crate::row::Row;
use connect_session_runtime::record::{Change, CommitId, IdentityChange, Lifetime, NewRecord};
use connect_session_runtime::sid::SecretHash;

/// A change without its data, whose type is the program's.
#[derive(Debug, Clone)]
pub(super) struct ChangeMeta {
    commit_id: CommitId,
    epoch: i64,
    generation: i64,
    identity: Option<IdentityChange>,
    lifetime: Option<Lifetime>,
}

impl ChangeMeta {
    pub(super) fn of<D>(change: &Change<D>) -> Self {
        Self {
            commit_id: change.commit_id,
            epoch: to_i64(change.epoch),
            generation: to_i64(change.generation),
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
    /// A new row, which has not starting_at.
    pub(super) fn new<D>(record: &NewRecord<D>) -> Self {
        Self {
            version: 1,
            epoch: 0,
            generation: 0,
            commit_id: record.commit_id,
            transport: transport_code(record.transport),
            secret: record.secret,
            secret_since: 0,
            offer: None,
            previous: None,
            idle: to_millis(record.lifetime.idle()),
            absolute: to_millis(record.lifetime.absolute()),
            created_at: 0,
            idle_until: 0,
            absolute_until: 0,
            due: 0,
            subject: record.subject.clone(),
        }
    }

    /// This new row, as one that begins now.
    pub(super) fn starting_at(mut self, now: i64) -> Self {
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
        change: &ChangeMeta,
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
    pub(super) fn apply(&mut self, change: &ChangeMeta, writes_data: bool, now: i64) {
        self.commit_id = change.commit_id;
        self.version += i64::from(writes_data);
        if let Some(lifetime) = change.lifetime {
            self.idle = to_millis(lifetime.idle());
            self.absolute = to_millis(lifetime.absolute());
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
    pub(super) fn bind(&self, args: Args<Sqlite>) -> Args<Sqlite> {
        let bytes = |secret: SecretHash| secret.as_bytes().to_vec();
        let subject = self.subject.as_deref();
        args.bind(self.version)
            .bind(self.epoch)
            .bind(self.generation)
            .bind(self.commit_id.to_bytes().to_vec())
            .bind(self.transport)
            .bind(bytes(self.secret))
            .bind(self.secret_since)
            .bind(self.offer.map(|offer| bytes(offer.secret)))
            .bind(self.offer.map(|offer| offer.at))
            .bind(self.offer.map(|offer| offer.grace))
            .bind(self.previous.map(|(secret, _)| bytes(secret)))
            .bind(self.previous.map(|(_, until)| until))
            .bind(self.idle)
            .bind(self.absolute)
            .bind(self.created_at)
            .bind(self.idle_until)
            .bind(self.absolute_until)
            .bind(self.due)
            .bind(subject.map(|subject| escape::escape(subject).into_owned()))
    }
}
