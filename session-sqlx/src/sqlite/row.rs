//! New and changed rows, and how they are written.

use sqlx::Sqlite;

use connect_session_runtime::record::{Change, NewRecord};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::state::RecordState;

use crate::args::Args;
use crate::convert::{limited, to_i64, transport_code};
use crate::row::Row;
use crate::verbs::escaped_subject;

/// The state of a new record; [`Row::starting_at`] sets its times.
pub(super) fn new_state<D>(record: &NewRecord<D>) -> RecordState {
    let mut state = RecordState::new(record, 0);
    state.expiry.lifetime = limited(state.expiry.lifetime);
    state
}

/// A change without its data, whose type only the application knows.
pub(super) fn change_meta<D>(change: &Change<D>) -> Change<()> {
    let mut change = change.without_data();
    change.lifetime = change.lifetime.map(limited);
    change
}

impl Row {
    pub(super) fn starting_at(state: RecordState, now: u64) -> Self {
        let state = state.starting_at(now);
        Self {
            due: state.deadline(),
            state,
        }
    }

    /// Applies everything of a change except its data.
    pub(super) fn apply(&mut self, change: &Change<()>, writes_data: bool, now: u64) {
        self.state.apply(change, writes_data, now);
        self.due = self.due.min(self.state.deadline());
    }

    /// Binds [`COLUMNS`](crate::row::COLUMNS).
    pub(super) fn bind(&self, args: Args<Sqlite>) -> Args<Sqlite> {
        let bytes = |secret: SecretHash| secret.as_bytes().to_vec();
        let RecordState { stamp, expiry, .. } = &self.state;
        let (offered, previous) = (&self.state.others.offered, &self.state.others.previous);
        args.bind(to_i64(self.state.version))
            .bind(to_i64(stamp.epoch))
            .bind(to_i64(stamp.generation))
            .bind(stamp.commit_id.to_bytes().to_vec())
            .bind(transport_code(self.state.transport))
            .bind(bytes(self.state.secret.hash))
            .bind(to_i64(self.state.secret.since))
            .bind(offered.map(|offered| bytes(offered.hash)))
            .bind(offered.map(|offered| to_i64(offered.offered_at)))
            .bind(offered.map(|offered| to_i64(offered.grace)))
            .bind(previous.map(|previous| bytes(previous.hash)))
            .bind(previous.map(|previous| to_i64(previous.valid_until)))
            .bind(to_i64(expiry.lifetime.idle_millis()))
            .bind(to_i64(expiry.lifetime.absolute_millis()))
            .bind(to_i64(expiry.created_at))
            .bind(to_i64(expiry.idle_until))
            .bind(to_i64(expiry.absolute_until))
            .bind(to_i64(self.due))
            .bind(escaped_subject(self.state.subject.as_deref()))
    }
}
