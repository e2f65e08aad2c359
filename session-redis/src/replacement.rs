//! A change of the data alone: the program encodes the new record, and the server only compares.

use redis::Cmd;

use connect_session_runtime::record::{Change, Snapshot};

use super::arguments::text;
use super::fields::Fields;
use super::reader::Reader;
use super::stored::{
    AWAITS_FIRST_USE, Parts, STAMP_BYTES, counter_bytes, data_version_bytes, six_bytes,
};

/// A record in place of the one that a change is based on.
pub(super) struct Replacement {
    /// The whole new record, as the base of the next change. The server gets it from the stamp on and keeps its own
    /// parts before that: loads change them, which is no conflict.
    record: Vec<u8>,
    stamp_at: usize,
    version: u64,
    replaced_stamp: [u8; STAMP_BYTES],
    idle_timeout: u64,
    absolute_until: u64,
}

impl Replacement {
    /// `None` if the change concerns more than the data, or if the record that it is based on is not known as a
    /// whole.
    pub(super) fn of<D>(change: &Change<D>, fields: &Fields) -> Option<Self> {
        if change.identity.is_some() || change.lifetime.is_some() || change.label.is_some() {
            return None;
        }
        let base = change.data.as_ref()?.base.as_ref()?;
        let old = Parts::of(base.bytes()?)?;

        let mut header = Reader::new(old.before_stamp);
        let [_magic, _format, flags, _length_of_others] = header.array()?;
        let _secret_and_creation: [u8; 44] = header.array()?;
        let idle_timeout = header.millis()?;
        let (_absolute_timeout, _idle_until) = (header.millis()?, header.millis()?);
        let absolute_until = header.millis()?;
        let mut stamp = Reader::new(&old.stamp);
        let _commit_id: [u8; 16] = stamp.array()?;
        let counters = [
            counter_bytes(change.epoch),
            counter_bytes(change.generation),
        ];
        let is_current = counters == [stamp.array()?, stamp.array()?];
        let is_writable = stamp.u32()? <= change.format.current;
        if flags & AWAITS_FIRST_USE != 0 || !is_current || !is_writable {
            return None;
        }

        let version = base.version + 1;
        let fields = fields.as_slice();
        let before_fields = old.before_stamp.len() + STAMP_BYTES + old.sections.len();
        let mut record = Vec::with_capacity(before_fields + fields.len());
        record.extend_from_slice(old.before_stamp);
        record.extend(change.commit_id.to_bytes());
        record.extend(counters.as_flattened());
        record.extend(data_version_bytes(change.format.written));
        record.extend(six_bytes(version));
        record.extend_from_slice(old.sections);
        record.extend_from_slice(fields);
        Some(Self {
            record,
            stamp_at: old.before_stamp.len(),
            version,
            replaced_stamp: old.stamp,
            idle_timeout,
            absolute_until,
        })
    }

    /// Adds the arguments of `replace.lua`, at this time of the server.
    pub(super) fn add_to(&self, cmd: &mut Cmd, now: u64) {
        let idle_until = now.saturating_add(self.idle_timeout);
        let ends_in = idle_until.min(self.absolute_until).saturating_sub(now);
        cmd.arg(&self.replaced_stamp[..])
            .arg(text(now))
            .arg(&six_bytes(idle_until)[..])
            .arg(&self.record[self.stamp_at..])
            .arg(ends_in.max(1));
    }

    /// About how many bytes the arguments have.
    pub(super) fn size(&self) -> usize {
        self.record.len()
    }

    /// The data of the new record, as the base of a later change.
    pub(super) fn into_snapshot<D>(self, change: &Change<D>) -> Option<Snapshot<D>> {
        let data = change.data.as_ref()?.data.clone();
        Some(Snapshot::with_bytes(data, self.version, self.record))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use connect_session_runtime::data::DataFormat;
    use connect_session_runtime::record::{
        CommitId, DataChange, IdentityChange, Lifetime, LoginChange, NewLogin, NewRecord, Transport,
    };
    use connect_session_runtime::sid::SecretHash;
    use connect_session_runtime::store::state::RecordState;
    use connect_session_runtime::untyped::Untyped;

    use super::super::stored::{StoredRecord, encode_new};
    use super::*;

    const NOW: u64 = 1_700_000_000_000;
    const IDLE: u64 = 1_800_000;

    fn untyped(json: &str) -> Arc<Untyped> {
        Arc::new(serde_json::from_str(json).expect("an object"))
    }

    fn new_record() -> NewRecord<Untyped> {
        NewRecord {
            secret: SecretHash::from_bytes([7; 32]),
            transport: Transport::Cookie,
            data: untyped(r#"{"a":1}"#),
            login: Some(NewLogin::new("ada")),
            label: Some("phone".into()),
            lifetime: Lifetime::from_millis(IDLE, 86_400_000),
            commit_id: CommitId::from_bytes([9; 16]),
            first_use_timeout: None,
            max_size: 1_000,
            format: DataFormat::FIRST,
        }
    }

    fn stored(new: &NewRecord<Untyped>) -> Vec<u8> {
        let fields = Fields::encode(&new.fields().expect("encodes"));
        encode_new("shop", &RecordState::new(new, NOW), 1, fields.as_slice())
    }

    /// A change of the data that is based on these bytes.
    fn change(base: Vec<u8>) -> Change<Untyped> {
        let data = untyped(r#"{"a":2}"#);
        let base = Snapshot::with_bytes(new_record().data, 1, base);
        Change {
            commit_id: CommitId::from_bytes([3; 16]),
            epoch: 0,
            generation: 0,
            data: Some(DataChange {
                base: Some(base),
                data,
                max_size: 1_000,
            }),
            identity: None,
            lifetime: None,
            format: DataFormat::FIRST,
            label: None,
        }
    }

    fn replacement(change: &Change<Untyped>) -> Option<Replacement> {
        let data = change.data.as_ref().expect("data");
        let fields = data.fields_after([].into_iter(), &change.format);
        let fields = fields.expect("encodes").expect("fields");
        Replacement::of(change, &Fields::encode(&fields))
    }

    #[test]
    fn it_differs_in_the_stamp_and_the_data() {
        let change = change(stored(&new_record()));
        let replacement = replacement(&change).expect("a replacement");
        let snapshot = replacement.into_snapshot(&change).expect("data");
        let record = snapshot.bytes().expect("bytes").to_vec();
        let after = StoredRecord::read(record).expect("a record");
        let mut expected = RecordState::new(&new_record(), NOW);
        expected.stamp.commit_id = change.commit_id;
        expected.version = 2;
        assert_eq!(format!("{:?}", after.state), format!("{expected:?}"));
        let after = after.into_record::<Untyped>(false, DataFormat::FIRST);
        assert_eq!(
            *after.expect("decodes").snapshot.data,
            *untyped(r#"{"a":2}"#)
        );
    }

    #[test]
    fn the_key_expires_at_the_earlier_deadline() {
        let ends_in = |now| {
            let mut cmd = Cmd::new();
            let replacement = replacement(&change(stored(&new_record())));
            replacement.expect("a replacement").add_to(&mut cmd, now);
            let sent = cmd.get_packed_command();
            let line = sent.rsplit(|byte| *byte == b'\n').nth(1).expect("a line");
            let text = std::str::from_utf8(line).expect("a text").trim().to_owned();
            text.parse::<u64>().expect("a number")
        };
        assert_eq!(ends_in(NOW), IDLE);
        assert_eq!(ends_in(NOW + 86_400_000 - 5), 5);
        assert_eq!(
            ends_in(NOW + 86_400_001),
            1,
            "the script finds that it has ended"
        );
    }

    #[test]
    fn whatever_else_a_change_concerns_is_left_to_the_server() {
        let new = new_record();
        let is_left = |change: Change<Untyped>| replacement(&change).is_none();
        let change = || change(stored(&new));
        assert!(!is_left(change()));
        let identity = Some(IdentityChange {
            secret: new.secret,
            new_generation: false,
            login: LoginChange::Keep,
        });
        assert!(is_left(Change {
            identity,
            ..change()
        }));
        let lifetime = Some(new.lifetime);
        assert!(is_left(Change {
            lifetime,
            ..change()
        }));
        let label = Some("tablet".into());
        assert!(is_left(Change { label, ..change() }));
        assert!(is_left(Change {
            epoch: 1,
            ..change()
        }));
        assert!(is_left(Change {
            generation: 1,
            ..change()
        }));
    }

    #[test]
    fn a_record_that_is_not_known_as_a_whole_is_left_to_the_server() {
        let new = new_record();
        let unpresented = NewRecord {
            first_use_timeout: Some(Duration::from_secs(60)),
            ..new_record()
        };
        let fields = Fields::encode(&new.fields().expect("encodes"));
        let fields_at = stored(&new).len() - fields.as_slice().len();
        let mut newer = stored(&new);
        newer[72 + 24..][..4].copy_from_slice(&2_u32.to_be_bytes());
        for base in [
            stored(&unpresented),
            fields.into_stored(),
            newer,
            Vec::new(),
        ] {
            assert!(replacement(&change(base)).is_none());
        }
        for length in 0..fields_at {
            let cut = stored(&new)[..length].to_vec();
            assert!(replacement(&change(cut)).is_none());
        }
    }
}
