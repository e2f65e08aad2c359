//! The state machine of a session record: it decides whether a load finds the record and whether a
//! change applies, and computes what each writes.
//!
//! A [`Store`](super::Store) that decides in Rust, rather than in a script or a statement of its
//! server, calls these functions. They are pure: each takes the record, the request and the time,
//! and neither reads a clock nor does I/O. Call them inside the store's atomic step (under its
//! lock, or in its transaction), with a time that was read inside that step.
//!
//! All times are whole milliseconds of the store's clock: those of a [`RecordState`] since 1970, those of
//! its parts from any origin. Sums saturate.
//!
//! [`RecordState`] is everything of a record except its data. A store that packs its records more
//! tightly uses the parts: [`Expiry`], [`CurrentSecret`], [`OtherSecrets`], [`CommitStamp`] and
//! the borrowed [`LoadView`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use connect_session_runtime::data::DataFormat;
//! use connect_session_runtime::record::{
//!     Change, CommitId, Lifetime, LoadRequest, NewRecord, Transport,
//! };
//! use connect_session_runtime::sid::SecretHash;
//! use connect_session_runtime::store::state::{RecordState, Verdict};
//!
//! let secret = SecretHash::from_bytes([7; 32]);
//! let new = NewRecord {
//!     secret,
//!     transport: Transport::Cookie,
//!     data: Arc::new(()),
//!     login: None,
//!     label: None,
//!     lifetime: Lifetime::new(Duration::from_secs(60), Duration::from_secs(3_600)),
//!     first_use_timeout: None,
//!     commit_id: CommitId::random(),
//!     max_size: 1_000,
//!     format: DataFormat::FIRST,
//! };
//! let mut state = RecordState::new(&new, 0);
//!
//! // A load 30 seconds later: the secret matches, and a touch is due.
//! let request = LoadRequest {
//!     secret,
//!     transport: Transport::Cookie,
//!     touch_every: None,
//!     renewal: None,
//!     format: DataFormat::FIRST,
//! };
//! let effects = state.on_load(&request, 30_000).expect("the secret is the current one");
//! assert!(effects.touch);
//! state.apply_load(effects, &request, 30_000);
//! assert_eq!(state.expiry.idle_until, 90_000);
//!
//! // A change that nothing conflicts with.
//! let change: Change<()> = Change {
//!     commit_id: CommitId::random(),
//!     epoch: 0,
//!     generation: 0,
//!     data: None,
//!     identity: None,
//!     lifetime: None,
//!     format: DataFormat::FIRST,
//!     label: None,
//! };
//! assert_eq!(state.check(&change, 40_000, || true), Verdict::Apply);
//! state.apply(&change, false, 40_000);
//! assert_eq!(state.check(&change, 40_000, || true), Verdict::AlreadyApplied);
//! assert_eq!(state.check(&change, 100_000, || true), Verdict::Ended);
//! ```

mod expiry;
mod load;
mod secrets;
mod stamp;
#[cfg(test)]
mod tests;
mod tombstone;

use std::sync::Arc;

pub use self::expiry::Expiry;
pub use self::load::{LoadEffects, LoadView, SecretStep};
pub use self::secrets::{CurrentSecret, OfferedSecret, OtherSecrets, PreviousSecret};
pub use self::stamp::{CommitStamp, Verdict};
pub use self::tombstone::{TOMBSTONE_MILLIS, presents_secret, tombstone_until};
use crate::record::{
    Change, LoadRequest, Login, LoginChange, NewRecord, Record, Snapshot, Transport,
};
use crate::store::LoadOutcome;
use crate::timestamp::Timestamp;

/// Everything of a record except its data.
#[derive(Debug, Clone)]
pub struct RecordState {
    /// How the sid travels; a load that presents it in another way finds nothing.
    pub transport: Transport,
    /// The secret that clients present.
    pub secret: CurrentSecret,
    /// The secrets that are accepted beside it.
    pub others: OtherSecrets,
    /// The lifetime and the deadlines.
    pub expiry: Expiry,
    /// Whether no load has found the record yet, and it ends early for that reason.
    pub awaits_first_use: bool,
    /// The commit id and counters that a commit is compared with.
    pub stamp: CommitStamp,
    /// The version of the data; a new record has 1.
    pub version: u64,
    /// The login; `None` if the session belongs to no user.
    pub login: Option<Arc<Login>>,
    /// What a person calls the session.
    pub label: Option<Arc<str>>,
}

impl RecordState {
    /// The state of a new record that is stored at `now`.
    #[must_use]
    pub fn new<D>(record: &NewRecord<D>, now: u64) -> Self {
        Self {
            transport: record.transport,
            secret: CurrentSecret::new(record.secret, now),
            others: OtherSecrets::default(),
            expiry: Expiry::new(record.lifetime, now).with_first_use(record.first_use_timeout),
            awaits_first_use: record.first_use_timeout.is_some(),
            stamp: CommitStamp::new(record.commit_id),
            version: 1,
            login: (record.login.as_ref()).map(|login| Arc::new(Login::new(login, at(now)))),
            label: record.label.clone(),
        }
    }

    /// The same new record, stored at `now`: for a store that prepares the record before it knows
    /// the time of the insertion.
    #[must_use]
    pub fn starting_at(mut self, now: u64) -> Self {
        self.secret.since = now;
        let first = self
            .expiry
            .idle_until
            .saturating_sub(self.expiry.created_at);
        self.expiry = Expiry::new(self.expiry.lifetime, now);
        if self.awaits_first_use {
            self.expiry.idle_until = now.saturating_add(first);
        }
        if let Some(login) = self.login.as_mut().map(Arc::make_mut) {
            login.logged_in_at = at(now);
            login.authenticated_at = at(now);
        }
        self
    }

    /// Whether the record exists for its store's operations: neither deadline has passed.
    #[inline]
    #[must_use]
    pub const fn is_alive(&self, now: u64) -> bool {
        self.expiry.is_alive(now)
    }

    /// The earlier of the two deadlines.
    #[inline]
    #[must_use]
    pub const fn deadline(&self) -> u64 {
        self.expiry.deadline()
    }

    /// The effects of a load; `None` if the load does not find the record.
    ///
    /// A load without effects can be answered from what was read.
    #[inline]
    #[must_use]
    pub fn on_load(&self, request: &LoadRequest, now: u64) -> Option<LoadEffects> {
        self.load_view().on_load(request, now)
    }

    /// The outcome of a load that does not find the record.
    #[must_use]
    pub fn not_found<D>(&self, request: &LoadRequest, now: u64) -> LoadOutcome<D> {
        if self.load_view().is_reuse(request, now) {
            LoadOutcome::Reused {
                subject: self.login.as_ref().map(|login| login.subject.clone()),
            }
        } else {
            LoadOutcome::Unknown
        }
    }

    /// The parts that a load depends on.
    #[inline]
    #[must_use]
    pub const fn load_view(&self) -> LoadView<'_> {
        LoadView {
            transport: self.transport,
            secret: &self.secret,
            others: Some(&self.others),
            expiry: &self.expiry,
            awaits_first_use: self.awaits_first_use,
        }
    }

    /// Applies the effects that [`on_load`](Self::on_load) returned for this record, request and
    /// time.
    pub fn apply_load(&mut self, effects: LoadEffects, request: &LoadRequest, now: u64) {
        let others = &mut self.others;
        effects.apply(request, now, &mut self.secret, &mut self.expiry, || others);
        self.awaits_first_use &= !effects.touch;
    }

    /// Checks a change. `is_current` returns whether the stored data still is the base of the
    /// change; it is only called if all other checks pass.
    #[inline]
    pub fn check<D>(
        &self,
        change: &Change<D>,
        now: u64,
        is_current: impl FnOnce() -> bool,
    ) -> Verdict {
        if self.is_alive(now) {
            self.stamp.check(change, is_current)
        } else {
            Verdict::Ended
        }
    }

    /// Applies a change for which [`check`](Self::check) returned [`Verdict::Apply`]: everything
    /// except its data, of which only the version is raised, if `writes_data`.
    pub fn apply<D>(&mut self, change: &Change<D>, writes_data: bool, now: u64) {
        self.stamp.apply(change);
        self.expiry.apply(change, self.awaits_first_use, now);
        self.version = self.version.wrapping_add(writes_data.into());
        if let Some(identity) = &change.identity {
            self.secret = CurrentSecret::new(identity.secret, now);
            self.others = OtherSecrets::default();
            self.login = identity.login.apply(self.login.take(), at(now));
            if identity.login == LoginChange::Clear {
                self.label = None;
            }
        }
        if let Some(label) = &change.label {
            self.label = (!label.is_empty()).then(|| label.clone());
        }
    }

    /// The record as a load or a conflict shows it. `renewed` says whether the load made an offer
    /// ([`LoadEffects::makes_offer`]).
    #[must_use]
    pub fn record<D>(&self, snapshot: Snapshot<D>, renewed: bool) -> Record<D> {
        Record {
            snapshot,
            epoch: self.stamp.epoch,
            generation: self.stamp.generation,
            commit_id: self.stamp.commit_id,
            deadlines: self.expiry.deadlines(at),
            lifetime: self.expiry.lifetime,
            login: self.login.clone(),
            renewed,
        }
    }
}

/// A time of the store's clock, in milliseconds since 1970.
const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
