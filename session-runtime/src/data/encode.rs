//! Encodes data as its top-level fields.

use serde::Serialize;
use serde::ser::{Impossible, SerializeMap, SerializeStruct, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::check::RAW_VALUE;
use super::depth::is_too_deep;
use super::{EncodeError, EncodedFields, MAX_DEPTH};
use crate::printable;

/// Encodes data as its top-level fields.
///
/// ```
/// use connect_session_runtime::data::encode;
///
/// let fields = encode(&serde_json::json!({ "user": "ada" }), Some(100))?;
/// assert_eq!(fields["user"].get(), r#""ada""#);
/// # Ok::<(), connect_session_runtime::data::EncodeError>(())
/// ```
///
/// # Errors
/// If the data is not an object, has no JSON form, its JSON text has more than `limit` bytes, or a
/// field is nested deeper than [`MAX_DEPTH`].
pub fn encode<D: Serialize>(data: &D, limit: Option<u64>) -> Result<EncodedFields, EncodeError> {
    let (fields, size) = if let Ok(Encoded { fields, size, .. }) = data.serialize(Object) {
        (fields, size)
    } else {
        // Something else than a plain object, or an error, which is reported by the encoder of the whole.
        let text = serde_json::to_string(data)?;
        let is_in_limit = limit.is_none_or(|limit| text.len() as u64 <= limit);
        let fields = is_in_limit.then(|| serde_json::from_str(&text)).transpose();
        (fields?.unwrap_or_default(), text.len())
    };
    if let Some(limit) = limit
        && size as u64 > limit
    {
        return Err(EncodeError::TooLarge { size, limit });
    }
    match fields.iter().find(|(_, json)| is_too_deep(json.get())) {
        None => Ok(fields),
        Some((name, _)) => Err(EncodeError::TooDeep {
            field: printable::name(name),
            limit: MAX_DEPTH,
        }),
    }
}

/// Encodes each field of a struct or map on its own, so that the text is not parsed to find its fields.
struct Object;

/// The data is not a struct or a map with text keys, or a value has no JSON form.
#[derive(Debug)]
struct NotPlain;

impl std::fmt::Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a plain object")
    }
}

impl std::error::Error for NotPlain {}

impl serde::ser::Error for NotPlain {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The fields that are encoded so far.
struct Encoded {
    fields: EncodedFields,
    /// The length of the text of the object.
    size: usize,
    /// The name of the field whose value comes next, in a map.
    name: Option<String>,
}

impl Encoded {
    fn new() -> Self {
        Self {
            fields: EncodedFields::new(),
            size: "{}".len(),
            name: None,
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), NotPlain> {
        let value: Box<RawValue> = to_raw_value(value).map_err(|_| NotPlain)?;
        let comma = usize::from(self.size > "{}".len());
        self.size += comma + length_in_json(&name) + ":".len() + value.get().len();
        // Of two fields with one name, the last one is read.
        self.fields.insert(name, value);
        Ok(())
    }
}

/// The length of a text as a JSON string.
fn length_in_json(text: &str) -> usize {
    let is_escaped = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().any(is_escaped) {
        return serde_json::to_string(text).map_or(0, |json| json.len());
    }
    "\"\"".len() + text.len()
}

impl SerializeStruct for Encoded {
    type Ok = Self;
    type Error = NotPlain;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotPlain> {
        self.add(name.to_owned(), value)
    }

    fn end(self) -> Result<Self, NotPlain> {
        Ok(self)
    }
}

impl SerializeMap for Encoded {
    type Ok = Self;
    type Error = NotPlain;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotPlain> {
        let key = serde_json::to_value(key).map_err(|_| NotPlain)?;
        let serde_json::Value::String(name) = key else {
            return Err(NotPlain);
        };
        self.name = Some(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        let name = self.name.take().ok_or(NotPlain)?;
        self.add(name, value)
    }

    fn end(self) -> Result<Self, NotPlain> {
        Ok(self)
    }
}

macro_rules! not_plain {
    ($($method:ident($($of:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $(_: $of),*) -> Result<$result, NotPlain> {
            Err(NotPlain)
        }
    )*};
}

type No = Impossible<Encoded, NotPlain>;
type Name = &'static str;

impl Serializer for Object {
    type Ok = Encoded;
    type Error = NotPlain;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = Encoded;
    type SerializeStruct = Encoded;
    type SerializeStructVariant = No;

    fn serialize_struct(self, name: Name, _: usize) -> Result<Encoded, NotPlain> {
        if name == RAW_VALUE {
            return Err(NotPlain);
        }
        Ok(Encoded::new())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Encoded, NotPlain> {
        Ok(Encoded::new())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Encoded, NotPlain> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: Name,
        value: &T,
    ) -> Result<Encoded, NotPlain> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: Name,
        _: u32,
        _: Name,
        _: &T,
    ) -> Result<Encoded, NotPlain> {
        Err(NotPlain)
    }

    not_plain! {
        serialize_bool(bool) -> Encoded;
        serialize_i8(i8) -> Encoded;
        serialize_i16(i16) -> Encoded;
        serialize_i32(i32) -> Encoded;
        serialize_i64(i64) -> Encoded;
        serialize_i128(i128) -> Encoded;
        serialize_u8(u8) -> Encoded;
        serialize_u16(u16) -> Encoded;
        serialize_u32(u32) -> Encoded;
        serialize_u64(u64) -> Encoded;
        serialize_u128(u128) -> Encoded;
        serialize_f32(f32) -> Encoded;
        serialize_f64(f64) -> Encoded;
        serialize_char(char) -> Encoded;
        serialize_str(&str) -> Encoded;
        serialize_bytes(&[u8]) -> Encoded;
        serialize_none() -> Encoded;
        serialize_unit() -> Encoded;
        serialize_unit_struct(Name) -> Encoded;
        serialize_unit_variant(Name, u32, Name) -> Encoded;
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(Name, usize) -> No;
        serialize_tuple_variant(Name, u32, Name, usize) -> No;
        serialize_struct_variant(Name, u32, Name, usize) -> No;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The size and the fields of the text of the whole data.
    fn of_text<D: Serialize>(data: &D) -> Option<(usize, EncodedFields)> {
        let text = serde_json::to_string(data).ok()?;
        Some((text.len(), serde_json::from_str(&text).ok()?))
    }

    /// Checks that the fields are those of the text of the whole data, and returns whether it has some.
    fn agrees<D: Serialize>(data: &D) -> bool {
        let texts = |fields: &EncodedFields| {
            let texts = fields.iter().map(|(name, json)| format!("{name}={json}"));
            texts.collect::<Vec<_>>()
        };
        let Some((size, expected)) = of_text(data) else {
            assert!(encode(data, None).is_err());
            return false;
        };
        let size = size as u64;
        let fields = encode(data, Some(size)).expect("as large as its text");
        assert_eq!(texts(&fields), texts(&expected));
        let too_large = encode(data, Some(size - 1)).expect_err("a byte too large");
        assert!(matches!(too_large, EncodeError::TooLarge { size: at, .. } if at as u64 == size));
        true
    }

    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Key {
        Unit,
        #[serde(rename = "a \"quoted\" name")]
        Quoted,
    }

    #[derive(Serialize)]
    struct Twice {
        name: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        none: Option<u8>,
        #[serde(rename = "\n\u{7f}é")]
        renamed: (),
    }

    #[test]
    fn the_fields_are_those_of_the_text() {
        assert!(agrees(&Twice {
            name: 1,
            rest: BTreeMap::from([("name", 2), ("other", 3)]),
            none: None,
            renamed: (),
        }));
        assert!(agrees(&BTreeMap::from([(Key::Unit, 1), (Key::Quoted, 2)])));
        assert!(agrees(&BTreeMap::from([(1, "a"), (-2, "b")])));
        assert!(agrees(&BTreeMap::from([(Some('"'), "a")])));
        assert!(agrees(&BTreeMap::from([(true, "a")])));
        assert!(agrees(&Some(json!({ "a": [1, {}] }))));
        assert!(agrees(
            &RawValue::from_string(r#"{ "a" : 1 }"#.to_owned()).expect("JSON")
        ));
        assert!(agrees(&Result::<u8, u8>::Ok(1)));
        assert!(!agrees(&BTreeMap::from([((), "a")])));
        assert!(!agrees(&BTreeMap::from([(vec![1], "a")])));
        assert!(!agrees(&[1]));
        assert!(!agrees(&Key::Unit));
    }

    proptest! {
        #[test]
        fn the_fields_of_any_map_are_those_of_its_text(
            map in proptest::collection::btree_map(".*", any::<Option<i32>>(), 0..5)
        ) {
            prop_assert!(agrees(&map));
            prop_assert!(agrees(&json!(map) as &Value));
        }
    }
}
