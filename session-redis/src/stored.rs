//! The record of a session as one string: a header of fixed layout, then the fields.
//!
//! | bytes | part |
//! | --- | --- |
//! | 1, 1 | [`MAGIC`], [`FORMAT`] |
//! | 1 | flags: [`COOKIE`], [`AWAITS_FIRST_USE`] |
//! | 1 | the length of the other secrets |
//! | 32, 6 | the hash of the current secret, and since when it is that |
//! | 6 | the time of creation |
//! | 6, 6 | the idle and the absolute timeout |
//! | 6, 6 | the idle and the absolute deadline |
//! | 44 or none | an offered secret: hash, time of the offer, grace period |
//! | 38 or none | the previous secret: hash, accepted until |
//! | 16, 4, 4, 4, 6 | the *stamp*: commit id, epoch, generation, data version, version |
//! | 4, … | the login section, with its length before it |
//! | 4, … | the section of other parts, with its length before it |
//! | … | the fields: each the length of the name, the name, the length of the JSON text, the text |
//!
//! Numbers are big-endian; times and durations are milliseconds. The lengths in the fields are LEB128.
//!
//! The two sections have room for parts that this version does not know. They consist of entries: a
//! tag of one byte, the length in four bytes, the content; see `login_section.rs`. A commit keeps the
//! entries that it does not know, except that another login replaces the login section, which describes
//! that login.
//!
//! The scripts never parse the fields.

use std::time::Duration;

use connect_session_runtime::data::{DataFormat, DecodeError, EncodedFields, SessionData};
use connect_session_runtime::record::{CommitId, Lifetime, Record, Snapshot, Transport};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;
use connect_session_runtime::store::state::{
    CommitStamp, CurrentSecret, Expiry, OfferedSecret, OtherSecrets, PreviousSecret, RecordState,
};
use connect_session_runtime::versions::Versioned;

use serde_json::value::RawValue;

use super::fields::{Fields, read_fields};
use super::login_section::{label_section, login_section, read_label, read_login};
use super::reader::Reader;

/// The first byte of each record. No text of ASCII characters begins with it, so it tells records
/// from what others have stored.
const MAGIC: u8 = 0xc5;

/// The version of the layout.
const FORMAT: u8 = 1;

/// The flag of a session whose sid travels in a cookie.
const COOKIE: u8 = 1;

/// The flag of a session that no load has found yet and that ends early for that reason: its idle deadline
/// is that of its first use. All other flags are reserved.
pub(super) const AWAITS_FIRST_USE: u8 = 2;

/// Where the hash of the current secret begins.
const SECRETS_BEGIN: usize = 4;

/// Where the other secrets begin.
const OTHERS_BEGIN: usize = 72;

/// Where the last of the other secrets ends, if there are all.
const SECRETS_END: usize = OTHERS_BEGIN + OFFERED_BYTES as usize + PREVIOUS_BYTES as usize;

const OFFERED_BYTES: u8 = 44;
const PREVIOUS_BYTES: u8 = 38;

/// The length of the stamp.
pub(super) const STAMP_BYTES: usize = 34;

/// The longest duration: about 4,500 years. Added to the server's time it still fits into six bytes.
const MAX_MILLIS: u64 = 1 << 47;

/// A record as it is stored.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub(super) state: RecordState,
    /// The version of the data's type; 1 if none was noted.
    pub(super) data_version: u32,
    bytes: Vec<u8>,
    fields_at: usize,
}

impl StoredRecord {
    /// Reads the header.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if this is not a whole record in the format of this version.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, StoreError> {
        let header = read_header(&bytes)?;
        Ok(Self::new(header, bytes))
    }

    /// Reads the header for a load with this secret. `None` if it is damaged and belongs to another secret.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn read_for(bytes: Vec<u8>, secret: SecretHash) -> Result<Option<Self>, StoreError> {
        match read_header(&bytes) {
            Ok(header) => Ok(Some(Self::new(header, bytes))),
            Err(_) if is_of_another(&bytes, secret) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn new((state, data_version, fields_at): (RecordState, u32, usize), bytes: Vec<u8>) -> Self {
        Self {
            state,
            data_version,
            bytes,
            fields_at,
        }
    }

    /// Whether a load with this secret may find the record; how long a previous secret is valid is not
    /// considered.
    pub(super) fn may_open(&self, secret: SecretHash) -> bool {
        let others = &self.state.others;
        self.state.secret.hash == secret
            || others.is_offered(secret)
            || (others.previous.as_ref()).is_some_and(|previous| previous.hash == secret)
    }

    /// The record with data that was decoded from the same fields.
    pub(super) fn with_data_of<D>(&self, decoded: &Record<D>, renewed: bool) -> Option<Record<D>> {
        let is_same = self.state.version == decoded.snapshot.version
            && self.state.stamp.commit_id == decoded.commit_id;
        is_same.then(|| self.state.record(decoded.snapshot.clone(), renewed))
    }

    /// The fields of the data, of any type.
    pub(super) fn texts(&self) -> Result<EncodedFields, StoreError> {
        let fields = read_fields(&self.bytes[self.fields_at..])?.into_iter();
        let texts = fields.map(|(name, text)| {
            let text = RawValue::from_string(text.to_owned());
            let text = text.map_err(|_| DecodeError::not_json(Some(name)))?;
            Ok((name.to_owned(), text))
        });
        texts.collect()
    }

    /// The record with its data.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub(super) fn into_record<D: SessionData>(
        self,
        renewed: bool,
        format: DataFormat,
    ) -> Result<Record<D>, StoreError> {
        let data = self.decode(format)?;
        Ok(self.with_data(data, renewed))
    }

    /// Decodes the data.
    pub(super) fn decode<D: SessionData>(
        &self,
        format: DataFormat,
    ) -> Result<Versioned<D>, StoreError> {
        let fields = read_fields(&self.bytes[self.fields_at..])?;
        format.decode(fields.into_iter(), self.data_version)
    }

    /// The record with data that was decoded from it.
    pub(super) fn with_data<D>(self, read: Versioned<D>, renewed: bool) -> Record<D> {
        let Self {
            state,
            mut bytes,
            fields_at,
            ..
        } = self;
        if let Some(migrated) = &read.migrated {
            bytes.truncate(fields_at);
            bytes.extend_from_slice(Fields::encode(migrated).as_slice());
        }
        let snapshot = Snapshot::with_bytes(read.data, state.version, bytes);
        state.record(snapshot, renewed)
    }
}

/// The parts of a whole record, for a change of its data.
pub(super) struct Parts<'a> {
    pub(super) before_stamp: &'a [u8],
    pub(super) stamp: [u8; STAMP_BYTES],
    /// The two sections, with their lengths.
    pub(super) sections: &'a [u8],
    pub(super) fields: &'a [u8],
}

impl<'a> Parts<'a> {
    /// `None` if this is not a whole record.
    pub(super) fn of(record: &'a [u8]) -> Option<Self> {
        let [MAGIC, FORMAT, _, length_of_others, ..] = *record else {
            return None;
        };
        let mut reader = Reader::new(record);
        let before_stamp = reader.take(OTHERS_BEGIN + usize::from(length_of_others))?;
        let stamp = reader.array()?;
        let sections = reader.rest();
        reader.section()?;
        reader.section()?;
        let fields = reader.rest();
        let (sections, _) = sections.split_at_checked(sections.len() - fields.len())?;
        Some(Self {
            before_stamp,
            stamp,
            sections,
            fields,
        })
    }
}

/// The state, the version of the data's type, and where the fields begin.
fn read_header(bytes: &[u8]) -> Result<(RecordState, u32, usize), StoreError> {
    if !bytes.starts_with(&[MAGIC, FORMAT]) {
        let reason = match bytes.first() {
            Some(&MAGIC) => "it has the format of another version of this library",
            _ => "it is not a session",
        };
        return Err(undecodable(reason));
    }
    let mut reader = Reader::new(&bytes[2..]);
    let (state, data_version) =
        read_state(&mut reader).ok_or_else(|| undecodable("its header is damaged"))?;
    Ok((state, data_version, bytes.len() - reader.rest().len()))
}

/// Whether a record whose header is damaged contains secrets, and not this one. The damage may be in the byte
/// that tells which other secrets there are.
fn is_of_another(bytes: &[u8], secret: SecretHash) -> bool {
    let secrets = bytes.get(SECRETS_BEGIN..bytes.len().min(SECRETS_END));
    let mut hashes = secrets.unwrap_or_default().windows(32);
    bytes.starts_with(&[MAGIC, FORMAT])
        && hashes.len() > 0
        && !hashes.any(|hash| hash == secret.as_bytes())
}

/// The state, and the version of the data's type.
fn read_state(reader: &mut Reader<'_>) -> Option<(RecordState, u32)> {
    let [flags, length_of_others] = reader.array()?;
    if flags & !(COOKIE | AWAITS_FIRST_USE) != 0 {
        return None;
    }
    let secret = CurrentSecret {
        hash: SecretHash::from_bytes(reader.array()?),
        since: reader.millis()?,
    };
    let created_at = reader.millis()?;
    let lifetime = Lifetime::from_millis(reader.millis()?, reader.millis()?);
    let expiry = Expiry {
        created_at,
        lifetime,
        idle_until: reader.millis()?,
        absolute_until: reader.millis()?,
    };
    let others = read_others(reader, length_of_others)?;
    let stamp = CommitStamp {
        commit_id: CommitId::from_bytes(reader.array()?),
        epoch: reader.u32()?.into(),
        generation: reader.u32()?.into(),
    };
    let data_version = reader.u32()?.max(1);
    let version = reader.millis()?;
    let login = read_login(reader.section()?, created_at).ok()?;
    let label = read_label(reader.section()?).ok()?;
    let state = RecordState {
        transport: if flags & COOKIE == 0 {
            Transport::Other
        } else {
            Transport::Cookie
        },
        secret,
        others,
        expiry,
        awaits_first_use: flags & AWAITS_FIRST_USE != 0,
        stamp,
        version,
        login,
        label,
    };
    Some((state, data_version))
}

fn read_others(reader: &mut Reader<'_>, length: u8) -> Option<OtherSecrets> {
    let (has_offered, has_previous) = match length {
        0 => (false, false),
        OFFERED_BYTES => (true, false),
        PREVIOUS_BYTES => (false, true),
        82 => (true, true),
        _ => return None,
    };
    let mut others = OtherSecrets::default();
    if has_offered {
        others.offered = Some(OfferedSecret {
            hash: SecretHash::from_bytes(reader.array()?),
            offered_at: reader.millis()?,
            grace: reader.millis()?,
        });
    }
    if has_previous {
        others.previous = Some(PreviousSecret {
            hash: SecretHash::from_bytes(reader.array()?),
            valid_until: reader.millis()?,
        });
    }
    Some(others)
}

/// A new record, which has neither an offered nor a previous secret.
pub(super) fn encode_new(
    namespace: &'static str,
    state: &RecordState,
    data_version: u32,
    fields: &[u8],
) -> Vec<u8> {
    let login = (state.login.as_ref()).map(|login| login_section(namespace, login));
    let (login, other) = (
        login.unwrap_or_default(),
        label_section(state.label.as_deref()),
    );
    let mut bytes = Vec::with_capacity(114 + login.len() + other.len() + fields.len());
    let mut flags = flags_of(state.transport);
    if state.awaits_first_use {
        flags |= AWAITS_FIRST_USE;
    }
    bytes.extend([MAGIC, FORMAT, flags, 0]);
    bytes.extend_from_slice(state.secret.hash.as_bytes());
    bytes.extend(six_bytes(state.secret.since));
    bytes.extend(six_bytes(state.expiry.created_at));
    bytes.extend(lifetime_bytes(state.expiry.lifetime));
    bytes.extend(six_bytes(state.expiry.idle_until));
    bytes.extend(six_bytes(state.expiry.absolute_until));
    bytes.extend(state.stamp.commit_id.to_bytes());
    bytes.extend(counter_bytes(state.stamp.epoch));
    bytes.extend(counter_bytes(state.stamp.generation));
    bytes.extend(data_version_bytes(data_version));
    bytes.extend(six_bytes(state.version));
    bytes.extend(length_bytes(&login));
    bytes.extend_from_slice(&login);
    bytes.extend(length_bytes(&other));
    bytes.extend_from_slice(&other);
    bytes.extend_from_slice(fields);
    bytes
}

pub(super) const fn flags_of(transport: Transport) -> u8 {
    match transport {
        Transport::Cookie => COOKIE,
        Transport::Other => 0,
    }
}

/// The lifetime that is stored in place of this one: at least a millisecond, as a record whose deadline
/// is now would have ended, and at most [`MAX_MILLIS`].
pub(super) fn stored_lifetime(lifetime: Lifetime) -> Lifetime {
    let stored = |millis: u64| millis.clamp(1, MAX_MILLIS);
    Lifetime::from_millis(
        stored(lifetime.idle_millis()),
        stored(lifetime.absolute_millis()),
    )
}

/// The timeout for the first use that is stored in place of this one.
pub(super) fn stored_first_use(timeout: Option<Duration>) -> Option<Duration> {
    let longest = Duration::from_millis(MAX_MILLIS);
    timeout.map(|timeout| timeout.clamp(Duration::from_millis(1), longest))
}

/// The two timeouts.
pub(super) fn lifetime_bytes(lifetime: Lifetime) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..6].copy_from_slice(&six_bytes(lifetime.idle_millis()));
    bytes[6..].copy_from_slice(&six_bytes(lifetime.absolute_millis()));
    bytes
}

/// A time, a duration or a version.
pub(super) fn six_bytes(number: u64) -> [u8; 6] {
    let [_, _, six @ ..] = number.min((1 << 48) - 1).to_be_bytes();
    six
}

/// An epoch or a generation. They are only compared, so the lowest 32 bits are enough.
pub(super) fn counter_bytes(counter: u64) -> [u8; 4] {
    let [_, _, _, _, four @ ..] = counter.to_be_bytes();
    four
}

/// The version of the data's type. None is noted for the first.
pub(super) fn data_version_bytes(version: u32) -> [u8; 4] {
    if version == 1 {
        [0; 4]
    } else {
        version.to_be_bytes()
    }
}

pub(super) fn length_bytes(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// What others have stored, or a damaged record.
pub(super) fn undecodable(reason: &str) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: format!(
            "the value of its key cannot be read as a session of this version, and is left unchanged: \
             {reason}"
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connect_session_runtime::record::{NewLogin, NewRecord};
    use connect_session_runtime::untyped::Untyped;

    use super::*;

    fn untyped(json: &str) -> Arc<Untyped> {
        Arc::new(serde_json::from_str(json).expect("an object"))
    }

    fn record(json: &str) -> Vec<u8> {
        encode(&NewRecord {
            login: Some(NewLogin::new("ada")),
            label: Some("phone".into()),
            ..anonymous(json)
        })
    }

    fn anonymous(json: &str) -> NewRecord<Untyped> {
        NewRecord {
            secret: SecretHash::from_bytes([7; 32]),
            transport: Transport::Cookie,
            data: untyped(json),
            login: None,
            label: None,
            lifetime: Lifetime::from_millis(1_800_000, 86_400_000),
            commit_id: CommitId::from_bytes([9; 16]),
            first_use_timeout: None,
            max_size: 1_000_000,
            format: DataFormat::FIRST,
        }
    }

    fn encode(new: &NewRecord<Untyped>) -> Vec<u8> {
        let fields = Fields::encode(&new.fields().expect("encodes"));
        encode_new(
            "shop",
            &RecordState::new(new, 1_700_000_000_000),
            1,
            fields.as_slice(),
        )
    }

    fn decode(bytes: Vec<u8>) -> Result<Record<Untyped>, StoreError> {
        StoredRecord::read(bytes)?.into_record(false, DataFormat::FIRST)
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let long = format!(
            r#"{{"a":1,"":"é","{}":"{}"}}"#,
            "n".repeat(300),
            "x".repeat(70_000)
        );
        let read = decode(record(&long)).expect("decodes");
        assert_eq!(*read.snapshot.data, *untyped(&long));
        assert_eq!(read.subject(), Some("ada"));
        assert_eq!(read.commit_id, CommitId::from_bytes([9; 16]));
        assert_eq!(read.lifetime, Lifetime::from_millis(1_800_000, 86_400_000));
        assert_eq!(read.deadlines.idle_until.as_millis(), 1_700_001_800_000);
        assert_eq!(
            (read.epoch, read.generation, read.snapshot.version),
            (0, 0, 1)
        );
    }

    #[test]
    fn a_session_of_200_bytes_takes_little_more() {
        let json = format!(
            r#"{{"a":1,"b":2,"c":3,"d":4,"e":"{}"}}"#,
            "x".repeat(200 - 32)
        );
        assert_eq!(json.len(), 200);
        let bytes = encode(&anonymous(&json));
        assert!(bytes.len() < 316, "{}", bytes.len());
    }

    #[test]
    fn a_truncated_record_is_refused() {
        let whole = record(r#"{"name":"value"}"#);
        let fields_at = StoredRecord::read(whole.clone())
            .expect("a header")
            .fields_at;
        for length in 0..whole.len() {
            let read = decode(whole[..length].to_vec());
            // Without any field, the record is a whole one.
            assert_eq!(read.is_ok(), length == fields_at, "{length} bytes");
        }
    }

    #[test]
    fn a_damaged_header_is_reported_to_its_secrets_alone() {
        let [current, offered, other] = [[7; 32], [8; 32], [6; 32]].map(SecretHash::from_bytes);
        let is_reported = |bytes: &[u8], secret| {
            let read = StoredRecord::read_for(bytes.to_vec(), secret);
            assert!(!matches!(read, Ok(Some(_))), "{bytes:?}");
            read.is_err()
        };
        let mut whole = record(r#"{"n":1}"#);
        whole.splice(72..72, [[8; 32].as_slice(), &[0; 12]].concat());
        whole[3] = OFFERED_BYTES;
        assert!(matches!(
            StoredRecord::read_for(whole.clone(), other),
            Ok(Some(_))
        ));
        // A flag of another version, and an unknown length of the other secrets.
        for (at, byte) in [(2, 0x40), (3, 1)] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            assert!(is_reported(&damaged, current) && is_reported(&damaged, offered));
            assert!(!is_reported(&damaged, other));
        }
        assert!(is_reported(&whole[..36], current) && !is_reported(&whole[..36], other));
        // Nothing says whose these are.
        for bytes in [&whole[..35], b"text", &[MAGIC, 2], &[MAGIC, FORMAT], b""] {
            assert!(is_reported(bytes, other));
        }
    }

    /// Whatever is stored: no panic, and no part is longer than the record.
    #[test]
    fn a_record_with_flipped_bits_is_read_or_refused() {
        let whole = record(r#"{"n":1}"#);
        for at in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            if let Err(error) = decode(flipped) {
                assert!(matches!(error, StoreError::Undecodable { .. }), "{error}");
            }
        }
    }

    #[test]
    fn what_is_not_a_session_is_told_from_a_later_format() {
        let reason = |bytes: &[u8]| {
            let error = StoredRecord::read(bytes.to_vec()).expect_err("refused");
            std::error::Error::source(&error)
                .expect("a cause")
                .to_string()
        };
        assert!(reason(b"").contains("not a session"));
        assert!(reason(b"text").contains("not a session"));
        assert!(reason(&[MAGIC, 2, 0]).contains("another version"));
        assert!(reason(&[MAGIC, FORMAT, 0]).contains("damaged"));
    }

    #[test]
    fn lifetimes_fit_into_the_header() {
        let stored = stored_lifetime(Lifetime::from_millis(0, u64::MAX));
        assert_eq!(
            (stored.idle_millis(), stored.absolute_millis()),
            (1, MAX_MILLIS)
        );
        assert_eq!(six_bytes(u64::MAX), [0xff; 6]);
    }
}
