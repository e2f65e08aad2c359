//! A row, and what the verbs do to it, for the stores that decide here and not in a statement.

mod columns;

use std::sync::Arc;

pub(super) use self::columns::COLUMNS;
use super::convert::{lifetime, timestamp, to_millis};
use super::convert::{to_u64, transport_code};
use connect_session_runtime::data::SessionData;
use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::record::{CommitId, Deadlines, LoadRequest, Record};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;

/// Everything of a record but its data. Times are milliseconds since 1970, and `due` is when the
/// sweep looks at it next, which is no later than its deadline.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) version: i64,
    pub(super) epoch: i64,
    pub(super) generation: i64,
    pub(super) commit_id: CommitId,
    pub(super) transport: i16,
    pub(super) secret: SecretHash,
    pub(super) secret_since: i64,
    pub(super) offer: Option<Offer>,
    pub(super) previous: Option<(SecretHash, i64)>,
    pub(super) idle: i64,
    pub(super) absolute: i64,
    pub(super) created_at: i64,
    pub(super) idle_until: i64,
    pub(super) absolute_until: i64,
    #[cfg_attr(
        not(feature = "sqlite"),
        allow(dead_code, reason = "MySQL writes it in a statement")
    )]
    pub(super) due: i64,
    pub(super) subject: Option<Arc<str>>,
}

/// A secret that was offered, when, and for how long the one before then stays good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) secret: SecretHash,
    pub(super) at: i64,
    pub(super) grace: i64,
}

/// What a load that is let in has to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadWrites {
    pub(super) touch: bool,
    pub(super) step: Step,
}

/// What a load does to the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    Offer,
    Promote,
}

impl LoadWrites {
    pub(super) fn nothing(self) -> bool {
        !self.touch && self.step == Step::Nothing
    }
}

impl Row {
    pub(super) fn deadline(&self) -> i64 {
        self.idle_until.min(self.absolute_until)
    }

    pub(super) fn is_alive(&self, now: i64) -> bool {
        now < self.deadline()
    }

    /// What letting this load in would write; `None` if it is not let in.
    pub(super) fn admit(&self, request: &LoadRequest, now: i64) -> Option<LoadWrites> {
        if !self.is_alive(now) || self.transport != transport_code(request.transport) {
            return None;
        }
        let presented = request.secret;
        let step = if presented == self.secret {
            self.step_of_current(request, now)
        } else if self.offer.is_some_and(|offer| offer.secret == presented) {
            Step::Promote
        } else {
            let is_previous = |(secret, until)| secret == presented && now < until;
            self.previous.filter(|previous| is_previous(*previous))?;
            Step::Nothing
        };
        // A session may have a shorter life of its own than its config was written for.
        let every = (request.touch_every.map(to_millis))
            .filter(|every| *every < self.idle)
            .unwrap_or(self.idle / 10);
        let touched = self.idle_until - self.idle;
        Some(LoadWrites {
            touch: now - touched >= every.max(1),
            step,
        })
    }

    fn step_of_current(&self, request: &LoadRequest, now: i64) -> Step {
        let Some(renewal) = &request.renewal else {
            return Step::Nothing;
        };
        let is_old = |since: i64| since + to_millis(renewal.every) <= now;
        if is_old(self.secret_since) && self.offer.is_none_or(|offer| is_old(offer.at)) {
            Step::Offer
        } else {
            Step::Nothing
        }
    }

    pub(super) fn carry_out(&mut self, due: LoadWrites, request: &LoadRequest, now: i64) {
        if due.touch {
            self.idle_until = now + self.idle;
        }
        let renewal = request.renewal.as_ref();
        match (due.step, renewal, self.offer) {
            (Step::Offer, Some(renewal), _) => {
                self.offer = Some(Offer {
                    secret: renewal.candidate,
                    at: now,
                    grace: to_millis(renewal.grace),
                });
            }
            (Step::Promote, _, Some(offer)) => {
                let grace = renewal.map_or(offer.grace, |renewal| to_millis(renewal.grace));
                self.previous = Some((self.secret, now + grace));
                self.secret = offer.secret;
                self.secret_since = now;
                self.offer = None;
            }
            _ => {}
        }
    }

    pub(super) fn record<D: SessionData>(
        &self,
        fields: StoredFields,
        renewed: bool,
    ) -> Result<Record<D>, StoreError> {
        Ok(Record {
            snapshot: fields.snapshot(to_u64(self.version))?,
            epoch: to_u64(self.epoch),
            generation: to_u64(self.generation),
            commit_id: self.commit_id,
            deadlines: Deadlines {
                created_at: timestamp(self.created_at),
                idle_until: timestamp(self.idle_until),
                absolute_until: timestamp(self.absolute_until),
            },
            lifetime: lifetime(self.idle, self.absolute),
            subject: self.subject.clone(),
            renewed,
        })
    }
}
