//! Decodes session data from its top-level fields.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{EncodedFields, SessionData};
use crate::printable;

/// Why fields do not decode. No part of it is a stored value, which may be secret.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodeError {
    kind: Kind,
    /// The name of the field, escaped and shortened.
    field: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Missing(Cow<'static, str>),
    /// The text of a field is not JSON.
    Syntax,
    /// The text is JSON of another type.
    Mismatch,
}

impl DecodeError {
    /// The top-level field that does not decode, if known, escaped and shortened.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    fn in_field(name: &str, error: &serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Data => Kind::Mismatch,
            _ => Kind::Syntax,
        };
        Self {
            kind,
            field: Some(printable::name(name)),
        }
    }

    fn missing(name: Cow<'static, str>) -> Self {
        Self {
            field: Some(printable::name(&name)),
            kind: Kind::Missing(name),
        }
    }

    const fn mismatch() -> Self {
        Self {
            kind: Kind::Mismatch,
            field: None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Missing(name) => {
                write!(f, "the field `{}` is missing", printable::name(name))
            }
            Kind::Syntax => f.write_str("the stored text is not JSON"),
            Kind::Mismatch => f.write_str("the stored value does not match the type"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    // The message of a type would quote the value.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::mismatch()
    }

    fn missing_field(name: &'static str) -> Self {
        Self::missing(Cow::Borrowed(name))
    }
}

/// Decodes stored fields, each a name and its JSON text. A field that the type reports as missing is
/// taken from the encoded `Default`, so a field that was added to the type needs no serde attribute.
///
/// ```
/// use connect_session_runtime::data::decode_fields;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
///     #[serde(alias = "count")]
///     visits: u64,
/// }
/// let cart: Cart = decode_fields([("count", "3")].into_iter())?;
/// assert_eq!((cart.items.len(), cart.visits), (0, 3));
/// # Ok::<(), connect_session_runtime::data::DecodeError>(())
/// ```
///
/// # Errors
/// If the fields do not match the type.
#[allow(
    clippy::needless_pass_by_value,
    reason = "an iterator is passed by value, as to the standard library's functions"
)]
pub fn decode_fields<'a, D: SessionData>(
    stored: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<D, DecodeError> {
    let first = D::deserialize(Fields(stored.clone()));
    let Err(DecodeError {
        kind: Kind::Missing(name),
        ..
    }) = first
    else {
        return first;
    };
    decode_with_default(&stored, name)
}

/// Decodes again with the missing fields of the encoded `Default`, one more each time.
#[cold]
fn decode_with_default<'a, D: SessionData>(
    stored: &(impl Iterator<Item = (&'a str, &'a str)> + Clone),
    mut missing: Cow<'static, str>,
) -> Result<D, DecodeError> {
    let default = super::encode(&D::default(), None).map_err(|_| DecodeError::mismatch())?;
    let mut added: Vec<(&str, &str)> = Vec::new();
    loop {
        let field = default.get_key_value(&*missing);
        let field = field.filter(|(name, _)| added.iter().all(|(known, _)| known != name));
        let Some((name, text)) = field else {
            return Err(DecodeError::missing(missing));
        };
        added.push((name, text.get()));
        let all = stored.clone().map(borrowed).chain(added.iter().copied());
        match D::deserialize(Fields(all)) {
            Err(DecodeError {
                kind: Kind::Missing(next),
                ..
            }) => missing = next,
            decoded => return decoded,
        }
    }
}

/// Shortens the lifetime of a field.
const fn borrowed<'s, 'a: 's>(field: (&'a str, &'a str)) -> (&'s str, &'s str) {
    field
}

/// Decodes stored fields; see [`decode_fields`].
///
/// # Errors
/// If the fields do not match the type.
pub fn decode_over_default<D: SessionData>(stored: &EncodedFields) -> Result<D, DecodeError> {
    let fields = stored.iter();
    decode_fields(fields.map(|(name, text)| (name.as_str(), text.get())))
}

/// The object that has these fields, as a deserializer.
struct Fields<I>(I);

impl<'de, I: Iterator<Item = (&'de str, &'de str)>> Deserializer<'de> for Fields<I> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Entries {
            fields: self.0,
            current: None,
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        // An externally tagged enum is an object with one field.
        visitor.visit_enum(de::value::MapAccessDeserializer::new(Entries {
            fields: self.0,
            current: None,
        }))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Entries<'de, I> {
    fields: I,
    current: Option<(&'de str, &'de str)>,
}

impl<'de, I: Iterator<Item = (&'de str, &'de str)>> MapAccess<'de> for Entries<'de, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.fields.next();
        let Some((name, _)) = self.current else {
            return Ok(None);
        };
        seed.deserialize(Name(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let (name, text) = self.current.take().ok_or_else(DecodeError::mismatch)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut json);
        let value = value.and_then(|value| json.end().map(|()| value));
        value.map_err(|error| DecodeError::in_field(name, &error))
    }
}

/// The name of a field. As in JSON, the key of a map can also be a number or a Boolean.
struct Name<'de>(&'de str);

macro_rules! parsed_name {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.0.parse() {
                Ok(parsed) => visitor.$visit(parsed),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let name_of_variant: de::value::BorrowedStrDeserializer<'de, DecodeError> =
            de::value::BorrowedStrDeserializer::new(self.0);
        name_of_variant.deserialize_enum(name, variants, visitor)
    }

    parsed_name! {
        deserialize_bool visit_bool,
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_i128 visit_i128,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32,
        deserialize_u64 visit_u64, deserialize_u128 visit_u128,
        deserialize_f32 visit_f32, deserialize_f64 visit_f64
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::data::encode;

    fn decode<D: SessionData>(json: &str) -> Result<D, DecodeError> {
        let fields: EncodedFields = serde_json::from_str(json).expect("an object");
        decode_over_default(&fields)
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        kept: u32,
        added: Vec<String>,
        also: String,
        maybe: Option<u8>,
    }

    impl Default for New {
        fn default() -> Self {
            Self {
                kept: 1,
                added: vec!["from default".to_owned()],
                also: "too".to_owned(),
                maybe: Some(1),
            }
        }
    }

    #[test]
    fn what_the_type_reports_as_missing_comes_from_default() {
        let data: New = decode(r#"{"kept":7,"removed":true}"#).expect("decodes");
        let expected = New {
            kept: 7,
            maybe: None,
            ..New::default()
        };
        assert_eq!(data, expected);
    }

    #[test]
    fn an_error_names_the_field_and_quotes_no_value() {
        let error = decode::<New>(r#"{"kept":7,"added":1}"#).expect_err("a number");
        assert_eq!(error.field(), Some("added"));
        let error = decode::<New>(r#"{"kept":"a user's own"}"#).expect_err("a text");
        assert_eq!(error.field(), Some("kept"));
        assert!(!format!("{error} {error:?}").contains("own"), "{error:?}");
        let broken = decode_fields::<New>([("kept", "1 1")].into_iter()).expect_err("two numbers");
        assert_eq!(broken.to_string(), "the stored text is not JSON");
    }

    #[test]
    fn a_missing_field_without_a_default_is_named() {
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        struct Skipped {
            #[serde(skip_serializing_if = "String::is_empty")]
            name: String,
        }
        let error = decode::<Skipped>("{}").expect_err("no field");
        assert_eq!(error.to_string(), "the field `name` is missing");
    }

    #[test]
    fn keys_that_are_no_strings_are_read() {
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        enum Color {
            Red,
        }
        fn round_trips<K>(key: K)
        where
            BTreeMap<K, u8>: SessionData + PartialEq + fmt::Debug,
            K: Ord,
        {
            let map = BTreeMap::from([(key, 1)]);
            let fields = encode(&map, None).expect("encodes");
            assert_eq!(decode_over_default(&fields), Ok(map));
        }
        round_trips(-3_i64);
        round_trips(u128::MAX);
        round_trips(true);
        round_trips(Color::Red);
        round_trips("a".to_owned());
        round_trips(uuid::Uuid::from_u128(7));
    }

    #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        x: u8,
        y: u8,
    }

    #[test]
    fn serde_attributes_mean_what_serde_says() {
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        struct Attributes {
            #[serde(rename = "first", alias = "name")]
            full_name: String,
            #[serde(flatten)]
            inner: Inner,
            #[serde(default = "three")]
            n: u8,
            #[serde(skip)]
            skipped: u8,
        }
        fn three() -> u8 {
            3
        }
        let data: Attributes = decode(r#"{"name":"Ada","x":5}"#).expect("decodes");
        let expected = Attributes {
            full_name: "Ada".to_owned(),
            inner: Inner { x: 5, y: 0 },
            n: 3,
            skipped: 0,
        };
        assert_eq!(data, expected);
    }

    #[test]
    fn an_enum_and_a_newtype_are_read() {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        enum Cart {
            Open(Inner),
        }
        impl Default for Cart {
            fn default() -> Self {
                Self::Open(Inner::default())
            }
        }
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        struct Outer(Inner);
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        struct Newtype(Cart);
        let open = Cart::Open(Inner { x: 1, y: 2 });
        assert_eq!(decode(r#"{"Open":{"x":1,"y":2}}"#), Ok(open.clone()));
        assert_eq!(decode(r#"{"Open":{"x":1,"y":2}}"#), Ok(Newtype(open)));
        assert_eq!(decode(r#"{"x":1}"#), Ok(Outer(Inner { x: 1, y: 0 })));
    }
}
