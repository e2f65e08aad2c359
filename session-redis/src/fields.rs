//! The fields of a record.

use connect_session_runtime::data::{DecodeError, EncodedFields};
use connect_session_runtime::store::StoreError;

use super::reader::Reader;

/// Precedes the fields in a snapshot that does not keep the whole record. No record begins with it.
pub(super) const FIELDS_ONLY: u8 = 0;

/// Encoded fields: each the length of the name, the name, the length of the JSON text, the text. [`FIELDS_ONLY`]
/// precedes them.
#[derive(Clone)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    pub(super) fn encode(fields: &EncodedFields) -> Self {
        let sizes = fields
            .iter()
            .map(|(name, text)| name.len() + text.get().len() + 4);
        let mut bytes = Vec::with_capacity(1 + sizes.sum::<usize>());
        bytes.push(FIELDS_ONLY);
        for (name, text) in fields {
            for part in [name.as_str(), text.get()] {
                push_counted(&mut bytes, part.as_bytes());
            }
        }
        Self(bytes)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0[1..]
    }

    /// What a snapshot keeps if the program does not know the whole record.
    pub(super) fn into_snapshot_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads encoded fields: the name and the JSON text of each.
pub(super) fn read_fields(bytes: &[u8]) -> Result<Vec<(&str, &str)>, StoreError> {
    let mut reader = Reader::new(bytes);
    let mut fields = Vec::new();
    while !reader.rest().is_empty() {
        let name = reader
            .counted()
            .and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(|| DecodeError::not_json(None))?;
        let text = reader
            .counted()
            .and_then(|text| std::str::from_utf8(text).ok());
        let text = text.ok_or_else(|| DecodeError::not_json(Some(name)))?;
        fields.push((name, text));
    }
    Ok(fields)
}

/// A text after its length in LEB128.
fn push_counted(bytes: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    while length >= 0x80 {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
    bytes.extend_from_slice(text);
}
