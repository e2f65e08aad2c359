//! A change of the data alone: the program encodes the new record, and the server only compares an id and stores.

use std::io::Write;
use std::sync::Arc;

use connect_session_runtime::record::{Change, CommitId, Snapshot};
use connect_session_runtime::store::state::{CommitStamp, Expiry, Verdict};
use redis::{Cmd, RedisWrite};

use super::base::Base;
use super::clock::JUMP_MILLIS;
use super::fields::Fields;
use super::header::{IDLE_UNTIL, STAMP_BYTES, stamp_bytes};
use super::numbers::six_bytes;

/// A record to be stored in place of the one that a change is based on.
pub(super) struct Replacement<D> {
    /// The new record, with the idle deadline of the base. It can be the base of a later change.
    record: Vec<u8>,
    expiry: Expiry,
    version: u64,
    data: Arc<D>,
    base_commit: CommitId,
}

impl<D> Replacement<D> {
    /// `None` if the change affects more than the data, if the program does not know the whole record, or if the
    /// record does not allow the change.
    ///
    /// `fields` are all fields after the change.
    pub(super) fn new(change: &Change<D>, base: &Base<'_>, fields: &Fields) -> Option<Self> {
        let (header, data) = (base.header.as_ref()?, change.data.as_ref()?);
        let (state, base_record) = (&header.state, base.bytes);
        let affects_more =
            change.identity.is_some() || change.lifetime.is_some() || change.label.is_some();
        // The script finds out whether the stored record still is the base.
        let applies = state.stamp.check(change, || true) == Verdict::Apply
            && change.format.check_writable(header.data_version).is_ok();
        if affects_more || state.awaits_first_use || !applies {
            return None;
        }
        let stamp = CommitStamp {
            commit_id: change.commit_id,
            ..state.stamp
        };
        let version = state.version + 1;
        let fields = fields.as_slice();
        let mut record = Vec::with_capacity(header.fields_at + fields.len());
        record.extend_from_slice(&base_record[..header.stamp_at]);
        record.extend(stamp_bytes(stamp, change.format.written, version));
        record.extend_from_slice(&base_record[header.stamp_at + STAMP_BYTES..header.fields_at]);
        record.extend_from_slice(fields);
        Some(Self {
            record,
            expiry: state.expiry,
            version,
            data: data.data.clone(),
            base_commit: state.stamp.commit_id,
        })
    }

    /// Appends the arguments of `replace.lua` for a server whose time is `now`.
    pub(super) fn append_arguments(&self, cmd: &mut Cmd, now: u64) {
        let expiry = self.expiry_at(now);
        let (before, rest) = self.record.split_at(IDLE_UNTIL.start);
        let (_, after) = rest.split_at(IDLE_UNTIL.len());
        cmd.arg(&self.base_commit.to_bytes()[..]).arg(now);
        let mut record = cmd.writer_for_next_arg();
        for part in [before, &six_bytes(expiry.idle_until), after] {
            // Writing to memory does not fail.
            let _ = record.write_all(part);
        }
        drop(record);
        cmd.arg(expiry.deadline());
    }

    /// The deadlines after a change at this time. Estimates of the time differ a little, so the idle deadline of the
    /// base may be slightly later than the new one; the later of the two counts.
    fn expiry_at(&self, now: u64) -> Expiry {
        let old_idle_until = self.expiry.idle_until;
        let mut expiry = self.expiry;
        expiry.touch(now);
        if old_idle_until.saturating_sub(expiry.idle_until) <= JUMP_MILLIS {
            expiry.idle_until = expiry.idle_until.max(old_idle_until);
        }
        expiry
    }

    /// About how many bytes the arguments have.
    pub(super) fn size(&self) -> usize {
        self.record.len()
    }

    /// The new data, and the new record as the base of a later change.
    pub(super) fn into_snapshot(self) -> Snapshot<D> {
        Snapshot::with_bytes(self.data, self.version, self.record)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connect_session_runtime::data::DataFormat;
    use connect_session_runtime::record::{DataChange, IdentityChange, LoginChange, NewRecord};
    use connect_session_runtime::store::state::RecordState;
    use connect_session_runtime::untyped::Untyped;

    use super::super::fixtures::{NOW, anonymous, encode, logged_in, untyped};
    use super::super::stored::StoredRecord;
    use super::*;

    /// A change of the data that is based on a snapshot with these bytes.
    fn change(base: Vec<u8>) -> Change<Untyped> {
        let new = logged_in(r#"{"a":1}"#);
        Change {
            commit_id: CommitId::from_bytes([3; 16]),
            epoch: 0,
            generation: 0,
            data: Some(DataChange {
                base: Some(Snapshot::with_bytes(new.data, 1, base)),
                data: untyped(r#"{"a":2}"#),
                max_size: 1_000,
            }),
            identity: None,
            lifetime: None,
            format: DataFormat::FIRST,
            label: None,
        }
    }

    fn replacement(change: &Change<Untyped>) -> Option<Replacement<Untyped>> {
        let base = Base::of(change).expect("a base");
        let fields = anonymous(r#"{"a":2}"#).fields().expect("encodes");
        Replacement::new(change, &base, &Fields::encode(&fields))
    }

    #[test]
    fn the_new_record_differs_from_the_base_in_the_stamp_and_the_data() {
        let new = logged_in(r#"{"a":1}"#);
        let change = change(encode(&new));
        let snapshot = replacement(&change).expect("a replacement").into_snapshot();
        let record = snapshot.bytes().expect("bytes").to_vec();
        let after = StoredRecord::read(record).expect("a record");
        let mut expected = RecordState::new(&new, NOW);
        expected.stamp.commit_id = change.commit_id;
        expected.version = 2;
        assert_eq!(format!("{:?}", after.header.state), format!("{expected:?}"));
        let after = after.into_record::<Untyped>(false, DataFormat::FIRST);
        assert_eq!(
            *after.expect("decodes").snapshot.data,
            *untyped(r#"{"a":2}"#)
        );
    }

    #[test]
    fn a_change_extends_the_idle_deadline() {
        let new = anonymous(r#"{"a":1}"#);
        let replacement = replacement(&change(encode(&new))).expect("a replacement");
        let base = RecordState::new(&new, NOW).expiry;
        let idle_until = |now| replacement.expiry_at(now).idle_until;
        assert_eq!(idle_until(NOW + 5), base.idle_until + 5);
        assert_eq!(idle_until(NOW - 5), base.idle_until, "a late estimate");
        let jumped = base.idle_until - 10_000;
        assert_eq!(idle_until(NOW - 10_000), jumped, "for `commit.lua`");
    }

    #[test]
    fn a_change_of_more_than_the_data_is_none() {
        let new = logged_in(r#"{"a":1}"#);
        let is_none = |change: Change<Untyped>| replacement(&change).is_none();
        let change = || change(encode(&new));
        assert!(!is_none(change()));
        let identity = Some(IdentityChange {
            secret: new.secret,
            new_generation: false,
            login: LoginChange::Keep,
        });
        assert!(is_none(Change {
            identity,
            ..change()
        }));
        let lifetime = Some(new.lifetime);
        assert!(is_none(Change {
            lifetime,
            ..change()
        }));
        let label = Some("tablet".into());
        assert!(is_none(Change { label, ..change() }));
        assert!(is_none(Change {
            generation: 1,
            ..change()
        }));
        assert!(is_none(Change {
            commit_id: new.commit_id,
            ..change()
        }));
    }

    #[test]
    fn a_change_whose_base_does_not_allow_it_is_none() {
        let new = logged_in(r#"{"a":1}"#);
        let unpresented = NewRecord {
            first_use_timeout: Some(Duration::from_secs(60)),
            ..logged_in(r#"{"a":1}"#)
        };
        let fields = Fields::encode(&new.fields().expect("encodes"));
        let fields_at = encode(&new).len() - fields.as_slice().len();
        let mut newer = encode(&new);
        newer[72 + 24..][..4].copy_from_slice(&2_u32.to_be_bytes());
        for base in [encode(&unpresented), fields.into_snapshot_bytes(), newer] {
            assert!(replacement(&change(base)).is_none());
        }
        for length in 0..fields_at {
            let truncated = change(encode(&new)[..length].to_vec());
            assert!(Base::of(&truncated).is_err(), "{length} bytes");
        }
    }
}
