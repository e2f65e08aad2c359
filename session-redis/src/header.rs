//! The record of a session as one string: a header, then the fields.
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
//! entries that it does not know. A new login replaces the whole login section, because unknown entries in
//! it describe the earlier login.
//!
//! The scripts never parse the fields.

use std::ops::Range;
use std::time::Duration;

use connect_session_runtime::record::{CommitId, Lifetime, Transport};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;
use connect_session_runtime::store::state::{
    CommitStamp, CurrentSecret, Expiry, OfferedSecret, OtherSecrets, PreviousSecret, RecordState,
};

use super::login_section::{label_section, login_section, read_label, read_login};
use super::numbers::{counter_bytes, data_version_bytes, length_bytes, six_bytes};
use super::reader::Reader;

/// The first byte of each record. No text of ASCII characters begins with it, so a text that others have stored is not
/// taken for a record.
pub(super) const MAGIC: u8 = 0xc5;

/// The version of the layout.
pub(super) const FORMAT: u8 = 1;

/// The flag of a session whose sid travels in a cookie.
const COOKIE: u8 = 1;

/// The flag of a session that no load has found yet: its idle deadline is the time by which it has to be used for
/// the first time. All other flags are reserved.
const AWAITS_FIRST_USE: u8 = 2;

/// Where the hash of the current secret begins.
const SECRETS_BEGIN: usize = 4;

/// Where the idle deadline is.
pub(super) const IDLE_UNTIL: Range<usize> = 60..66;

/// Where the other secrets begin.
const OTHERS_BEGIN: usize = 72;

/// Where the last of the other secrets ends, if there are both.
const SECRETS_END: usize = OTHERS_BEGIN + BOTH_BYTES as usize;

pub(super) const OFFERED_BYTES: u8 = 44;
const PREVIOUS_BYTES: u8 = 38;
const BOTH_BYTES: u8 = OFFERED_BYTES + PREVIOUS_BYTES;

/// The length of the stamp: commit id, epoch, generation, data version, version.
pub(super) const STAMP_BYTES: usize = 34;

/// The longest duration: about 4,500 years. Added to the server's time it still fits into six bytes.
const MAX_MILLIS: u64 = 1 << 47;

/// What precedes the fields of a record.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) state: RecordState,
    /// The version of the data's type; 1 if none was noted.
    pub(super) data_version: u32,
    /// Where the stamp begins.
    pub(super) stamp_at: usize,
    /// Where the fields begin, after the header.
    pub(super) fields_at: usize,
}

impl Header {
    /// Reads the header of a record.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if it is not complete, or does not have the format of this version.
    pub(super) fn read(record: &[u8]) -> Result<Self, StoreError> {
        if record.starts_with(&[MAGIC, FORMAT]) {
            return Self::read_parts(record).ok_or_else(|| undecodable("its header is damaged"));
        }
        Err(undecodable(match record.first() {
            Some(&MAGIC) => "it has the format of another version of this library",
            _ => "it is not a session",
        }))
    }

    fn read_parts(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let [_magic, _format, flags, length_of_others] = reader.array()?;
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
        let others = read_others(&mut reader, length_of_others)?;
        let stamp_at = record.len() - reader.rest().len();
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
        Some(Self {
            state,
            data_version,
            stamp_at,
            fields_at: record.len() - reader.rest().len(),
        })
    }
}

/// Whether a record whose header is damaged can be seen to belong to other secrets than this one. The damage may be in
/// the byte that tells which other secrets there are.
pub(super) fn is_of_another(bytes: &[u8], secret: SecretHash) -> bool {
    let secrets = bytes.get(SECRETS_BEGIN..bytes.len().min(SECRETS_END));
    let mut hashes = secrets.unwrap_or_default().windows(32);
    bytes.starts_with(&[MAGIC, FORMAT])
        && hashes.len() > 0
        && !hashes.any(|hash| hash == secret.as_bytes())
}

fn read_others(reader: &mut Reader<'_>, length: u8) -> Option<OtherSecrets> {
    let (has_offered, has_previous) = match length {
        0 => (false, false),
        OFFERED_BYTES => (true, false),
        PREVIOUS_BYTES => (false, true),
        BOTH_BYTES => (true, true),
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
    bytes.extend(stamp_bytes(state.stamp, data_version, state.version));
    bytes.extend(length_bytes(&login));
    bytes.extend_from_slice(&login);
    bytes.extend(length_bytes(&other));
    bytes.extend_from_slice(&other);
    bytes.extend_from_slice(fields);
    bytes
}

/// The stamp of a record.
pub(super) fn stamp_bytes(
    stamp: CommitStamp,
    data_version: u32,
    version: u64,
) -> [u8; STAMP_BYTES] {
    let mut bytes = [0; STAMP_BYTES];
    bytes[..16].copy_from_slice(&stamp.commit_id.to_bytes());
    bytes[16..20].copy_from_slice(&counter_bytes(stamp.epoch));
    bytes[20..24].copy_from_slice(&counter_bytes(stamp.generation));
    bytes[24..28].copy_from_slice(&data_version_bytes(data_version));
    bytes[28..].copy_from_slice(&six_bytes(version));
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
    use super::*;

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
