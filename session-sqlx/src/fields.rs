//! The fields of a record as one JSON text.

use std::borrow::Cow;
use std::fmt;

use connect_session_runtime::data::{DataFormat, DecodeError, EncodedFields, SessionData};
use connect_session_runtime::record::{DataChange, NewRecord, Snapshot};
use connect_session_runtime::store::StoreError;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The names of the fields of a stored text, and their JSON texts, which are not parsed.
struct FieldTexts<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> FieldTexts<'a> {
    fn parse(stored: &'a [u8]) -> Result<Self, StoreError> {
        // serde's own message would quote the data.
        serde_json::from_slice(stored).map_err(|_| DecodeError::not_json(None).into())
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        (self.0.iter()).map(|(name, text)| (&**name, text.get()))
    }
}

impl<'de> Deserialize<'de> for FieldTexts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldTextsVisitor)
    }
}

struct FieldTextsVisitor;

impl<'de> Visitor<'de> for FieldTextsVisitor {
    type Value = FieldTexts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), text)) = map.next_entry()? {
            fields.push((name, text));
        }
        Ok(FieldTexts(fields))
    }
}

/// A name that is borrowed if it contains no escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// All fields as one JSON object.
fn to_text(fields: &EncodedFields) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(fields).map_err(|error| StoreError::Encode(error.into()))
}

/// The fields of a stored text, of any type.
pub(crate) fn texts(stored: &[u8]) -> Result<EncodedFields, StoreError> {
    let fields = FieldTexts::parse(stored)?.0.into_iter();
    Ok(fields
        .map(|(name, text)| (name.into_owned(), text.to_owned()))
        .collect())
}

/// The text of a new record.
pub(crate) fn of_new<D: SessionData>(record: &NewRecord<D>) -> Result<Vec<u8>, StoreError> {
    to_text(&record.fields()?)
}

/// The text after a change; `None` if it changes no field.
pub(crate) fn after<D: SessionData>(
    change: &DataChange<D>,
    format: &DataFormat,
) -> Result<Option<Vec<u8>>, StoreError> {
    let stored = change.base.as_ref().and_then(Snapshot::bytes);
    let stored = FieldTexts::parse(stored.unwrap_or(b"{}"))?;
    let fields = change.fields_after(stored.iter(), format)?;
    fields.as_ref().map(to_text).transpose()
}

/// The data of a stored text, as the base of a later change. `data_version` is the version under which it
/// was written.
pub(crate) fn read<D: SessionData>(
    text: Vec<u8>,
    version: u64,
    data_version: u32,
    format: DataFormat,
) -> Result<Snapshot<D>, StoreError> {
    let read = format.decode(FieldTexts::parse(&text)?.iter(), data_version)?;
    let text = match &read.migrated {
        Some(migrated) => to_text(migrated)?,
        None => text,
    };
    Ok(Snapshot::with_bytes(read.data, version, text))
}

#[cfg(test)]
mod tests {
    use connect_session_runtime::untyped::Untyped;

    use super::*;

    #[test]
    fn a_text_that_is_not_an_object_of_fields_is_refused_without_a_panic() {
        let texts: [&[u8]; 8] = [
            b"",
            b"[]",
            b"{",
            b"{\"a\"}",
            b"{\"a\":}",
            b"{\"a\":1}x",
            b"{\"a\":\xff}",
            b"{\"\xff\":1}",
        ];
        for text in texts {
            assert!(
                read::<Untyped>(text.to_vec(), 1, 1, DataFormat::FIRST).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_may_contain_escapes() {
        let text = br#"{"a\u0000\"":[1, 2],"b":null}"#;
        let read = read::<Untyped>(text.to_vec(), 3, 1, DataFormat::FIRST).unwrap();
        assert_eq!(read.data.get::<[u8; 2]>("a\0\"").unwrap(), Some([1, 2]));
        assert_eq!((read.version, read.bytes()), (3, Some(&text[..])));
    }
}
