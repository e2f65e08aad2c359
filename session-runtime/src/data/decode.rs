//! Decodes session data from its top-level fields.

mod error;
mod fields;
mod repair;

pub use self::error::DecodeError;
use self::fields::FieldsDeserializer;
use super::{EncodedFields, SessionData, texts};

/// Decodes stored fields, each a name and its JSON text. A field that the type reports as missing is
/// taken from the encoded `Default`, so a field that was added to the type needs no serde attribute.
///
/// If a record has a field under its name and under an alias, as after a deployment in which an older
/// program still wrote the old name, the value under its name counts. In a `#[serde(flatten)]` part, this
/// holds for one alias, in a record of up to 64 fields.
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
    match D::deserialize(FieldsDeserializer(&mut stored.clone())) {
        Err(error) => repair::decode(&stored.collect::<Vec<_>>(), error),
        decoded => decoded,
    }
}

/// Decodes stored fields; see [`decode_fields`].
///
/// # Errors
/// If the fields do not match the type.
pub fn decode_over_default<D: SessionData>(stored: &EncodedFields) -> Result<D, DecodeError> {
    decode_fields(texts(stored))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;

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
        assert_eq!(error.to_string(), "missing field `name`");
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

    #[test]
    fn a_field_under_two_names_has_the_value_of_its_own_name() {
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        struct Renamed {
            #[serde(alias = "name")]
            full_name: String,
            added: u8,
        }
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        struct Outer {
            #[serde(flatten)]
            inner: Renamed,
        }
        let inner = Renamed {
            full_name: "Ada".to_owned(),
            added: 0,
        };
        for text in [
            r#"{"full_name":"Ada","name":"old"}"#,
            r#"{"a":1,"full_name":"Ada","zz":1,"name":"old"}"#,
        ] {
            assert_eq!(decode(text), Ok(inner.clone()), "{text}");
            let inner = inner.clone();
            assert_eq!(decode(text), Ok(Outer { inner }), "{text}");
        }
    }

    #[test]
    fn several_aliases_of_one_field_are_left_out() {
        #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
        struct Renamed {
            #[serde(alias = "name", alias = "a_name", alias = "z_name")]
            full_name: String,
            #[serde(alias = "m")]
            n: u8,
        }
        let text = r#"{"a_name":"a","full_name":"Ada","m":1,"n":2,"name":"old","z_name":"z"}"#;
        let full_name = "Ada".to_owned();
        assert_eq!(decode(text), Ok(Renamed { full_name, n: 2 }));
        let without_its_name: Renamed =
            decode(r#"{"a_name":"a","n":2,"z_name":"z"}"#).expect("decodes");
        assert_eq!(without_its_name.full_name, "a");
    }

    #[test]
    fn the_search_for_an_alias_is_limited() {
        use std::cell::Cell;
        thread_local!(static DECODED: Cell<u32> = const { Cell::new(0) });
        fn count<'de, D: serde::Deserializer<'de>>(d: D) -> Result<u8, D::Error> {
            DECODED.set(DECODED.get() + 1);
            u8::deserialize(d)
        }
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        struct Renamed {
            #[serde(alias = "name")]
            full_name: String,
        }
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        struct Outer {
            #[serde(deserialize_with = "count")]
            counted: u8,
            #[serde(flatten)]
            inner: Renamed,
        }
        let others = (0..1_000).map(|at| format!(r#""k{at}":1,"#));
        let fields = r#""counted":1,"full_name":"Ada","name":"old""#;
        let text = format!("{{{}{fields}}}", others.collect::<String>());
        assert!(decode::<Outer>(&text).is_err());
        assert!(DECODED.get() < 5, "{}", DECODED.get());
    }

    #[test]
    fn an_error_says_the_kind_of_serdes_error_and_the_field() {
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nested {
            theme: String,
        }
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        enum Color {
            #[default]
            Red,
        }
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u8),
            Flag(bool),
        }
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        struct Data {
            nested: Nested,
            color: Color,
            pair: (u8, u8),
            either: Option<Either>,
            id: uuid::Uuid,
            #[serde(flatten)]
            inner: Inner,
        }
        let of = |name: &str, text: &str| {
            let fields = [(name, text)];
            let error = decode_fields::<Data>(fields.into_iter()).expect_err(text);
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
            format!("{}: {error}", error.field().unwrap_or("?"))
        };
        let cases = [
            ("nested", "{}", "nested: missing field `theme` in its value"),
            (
                "nested",
                r#"{"theme":"a","theme":"b"}"#,
                "nested: duplicate field in its value",
            ),
            (
                "nested",
                r#"{"hunter2":1}"#,
                "nested: unknown field in its value",
            ),
            ("nested", r#""hunter2""#, "nested: wrong type"),
            ("color", r#""hunter2""#, "color: unknown variant"),
            ("color", "7", "color: wrong type"),
            ("pair", "[1]", "pair: wrong length"),
            ("pair", "[1,256]", "pair: wrong value"),
            (
                "either",
                r#""hunter2""#,
                "either: no variant of an untagged enum",
            ),
            (
                "id",
                r#""hunter2""#,
                "id: refused by the type's own `Deserialize`",
            ),
            ("id", "hunter2", "id: the stored text is not JSON"),
            ("x", r#""hunter2""#, "x: wrong type"),
        ];
        for (name, text, expected) in cases {
            assert_eq!(of(name, text), expected);
        }
    }

    #[test]
    fn a_name_that_the_record_contains_is_not_repeated() {
        #[derive(Clone, Default, Debug, Serialize, Deserialize)]
        struct Data {
            #[serde(deserialize_with = "refuse")]
            note: String,
        }
        fn refuse<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
            let value = String::deserialize(d)?;
            Err(serde::de::Error::custom(format!("missing field `{value}`")))
        }
        let error = decode_fields::<Data>([("note", r#""hunter2""#)].into_iter());
        let error = error.expect_err("refused");
        assert_eq!(error.to_string(), "missing field in its value");
    }
}
