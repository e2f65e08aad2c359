//! A record that was read.

use connect_session_runtime::data::{DataFormat, DecodeError, EncodedFields, SessionData};
use connect_session_runtime::record::{Record, Snapshot};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;
use connect_session_runtime::versions::Versioned;
use serde_json::value::RawValue;

use super::fields::{Fields, read_fields};
use super::header::{Header, is_of_another};

/// A record as it is stored, and its header.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub(super) header: Header,
    bytes: Vec<u8>,
}

impl StoredRecord {
    /// Reads the header.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, StoreError> {
        let header = Header::read(&bytes)?;
        Ok(Self { header, bytes })
    }

    /// Reads the header for a load with this secret. `None` if it is damaged and belongs to another secret.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub(super) fn read_for(bytes: Vec<u8>, secret: SecretHash) -> Result<Option<Self>, StoreError> {
        match Header::read(&bytes) {
            Ok(header) => Ok(Some(Self { header, bytes })),
            Err(_) if is_of_another(&bytes, secret) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a load with this secret may find the record; how long a previous secret is valid is not
    /// considered.
    pub(super) fn may_open(&self, secret: SecretHash) -> bool {
        let others = &self.header.state.others;
        self.header.state.secret.hash == secret
            || others.is_offered(secret)
            || (others.previous.as_ref()).is_some_and(|previous| previous.hash == secret)
    }

    /// Whether both were written by the same change, so that their data is the same.
    pub(super) fn has_data_of(&self, other: &Self) -> bool {
        self.header.state.stamp.commit_id == other.header.state.stamp.commit_id
    }

    /// The fields of the data, of any type.
    pub(super) fn texts(&self) -> Result<EncodedFields, StoreError> {
        let fields = read_fields(&self.bytes[self.header.fields_at..])?.into_iter();
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
        let fields = read_fields(&self.bytes[self.header.fields_at..])?;
        format.decode(fields.iter().copied(), self.header.data_version)
    }

    /// The record with data that was decoded from it.
    pub(super) fn with_data<D>(self, read: Versioned<D>, renewed: bool) -> Record<D> {
        let Self { header, mut bytes } = self;
        if let Some(migrated) = &read.migrated {
            bytes.truncate(header.fields_at);
            bytes.extend_from_slice(Fields::encode(migrated).as_slice());
        }
        let snapshot = Snapshot::with_bytes(read.data, header.state.version, bytes);
        header.state.record(snapshot, renewed)
    }
}

#[cfg(test)]
mod tests {
    use connect_session_runtime::record::{CommitId, Lifetime};
    use connect_session_runtime::untyped::Untyped;

    use super::super::fixtures::{anonymous, encode, logged_in, untyped};
    use super::super::header::{FORMAT, MAGIC, OFFERED_BYTES};
    use super::*;

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
        let read = decode(encode(&logged_in(&long))).expect("decodes");
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
        let whole = encode(&logged_in(r#"{"name":"value"}"#));
        let fields_at = StoredRecord::read(whole.clone())
            .expect("a header")
            .header
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
        let mut whole = encode(&logged_in(r#"{"n":1}"#));
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
        let whole = encode(&logged_in(r#"{"n":1}"#));
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
}
