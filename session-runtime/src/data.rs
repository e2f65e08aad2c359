//! The data of a session and its encoding as top-level JSON fields.

pub(crate) mod check;
mod decode;
mod depth;
mod encode;
mod fingerprint;
mod migration;
pub(crate) mod proof;
mod sealing;
pub(crate) mod values;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;

pub use self::decode::{DecodeError, decode_fields, decode_over_default};
pub use self::depth::{MAX_DEPTH, depth};
pub use self::encode::encode;
pub(crate) use self::fingerprint::is_larger_than;
pub use self::migration::{DataFormat, Fields, Migrate};
pub use self::sealing::{FieldCipher, FieldPlace};
use self::values::Values;
use crate::printable;

/// A type that a session can hold. Implemented for every type with the derives below.
///
/// The type must serialize as a JSON object (a struct with named fields, or a map with string
/// keys), because changes are written field by field. Fields that are not serialized, such as those
/// with `#[serde(skip)]`, are not part of the session: a server store does not keep them, and a
/// merge may reset them.
///
/// A new session begins with the `Default` of its data and is later compared with it. Therefore
/// `default()` must always return the same value. Set a time or a random token in the handler that
/// creates the session.
///
/// ```
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
/// # fn is_session_data<D: connect_session::SessionData>() {}
/// # is_session_data::<Cart>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the data of a session",
    label = "session data must be Clone, Default, Serialize and DeserializeOwned, Send and Sync",
    note = "write `#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]` on the type"
)]
pub trait SessionData:
    Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<D: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for D {}

/// Why session data could not be encoded.
#[derive(Debug)]
#[non_exhaustive]
pub enum EncodeError {
    /// The encoded data and the subject have more bytes than `max_size` allows.
    TooLarge {
        /// Their size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: u64,
    },
    /// The data has more top-level fields than `max_fields` allows.
    TooManyFields {
        /// The number of fields.
        fields: u64,
        /// The limit.
        limit: u64,
    },
    /// A field is nested too deep to be read back.
    TooDeep {
        /// The name of the field, escaped and shortened.
        field: String,
        /// The limit, [`MAX_DEPTH`].
        limit: usize,
    },
    /// The data is not a JSON object, or a value in it has no JSON form.
    Json(serde_json::Error),
    /// The type of the data cannot be stored, whatever its values are.
    Type(&'static str),
    /// What would be stored could not be read back, or would be read back as something else.
    NotReadBack {
        /// The name of the field, escaped and shortened, if it is known.
        field: Option<String>,
        /// What would happen, without any value.
        problem: String,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => write!(
                f,
                "the session has {size} bytes, more than the {limit} that `max_size` allows"
            ),
            Self::TooManyFields { fields, limit } => write!(
                f,
                "the session data has {fields} fields, more than the {limit} that `max_fields` allows"
            ),
            Self::TooDeep { field, limit } => {
                write!(
                    f,
                    "the field `{field}` is nested deeper than {limit} levels"
                )
            }
            Self::Json(error) => write!(
                f,
                "the session data does not serialize as a JSON object: {}",
                printable::message(&error.to_string())
            ),
            Self::Type(problem) => f.write_str(problem),
            Self::NotReadBack { field, problem } => {
                match field {
                    Some(field) => write!(f, "the field `{field}` "),
                    None => f.write_str("the session data "),
                }?;
                f.write_str(problem)
            }
        }
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLarge { .. }
            | Self::TooManyFields { .. }
            | Self::TooDeep { .. }
            | Self::Type(_)
            | Self::NotReadBack { .. } => None,
            Self::Json(error) => Some(error),
        }
    }
}

/// The stored fields that a change keeps cannot be opened.
impl From<DecodeError> for EncodeError {
    fn from(error: DecodeError) -> Self {
        Self::NotReadBack {
            field: error.field().map(str::to_owned),
            problem: format!("cannot be read: {error}"),
        }
    }
}

impl From<serde_json::Error> for EncodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl EncodeError {
    /// Whether the data exceeds a limit, often because of what a client sent. Otherwise, it has no
    /// encoded form.
    ///
    /// ```
    /// use connect_session_runtime::data::encode;
    ///
    /// let too_large = encode(&serde_json::json!({ "note": "much text" }), Some(5));
    /// assert!(too_large.is_err_and(|error| error.is_over_a_limit()));
    /// let not_an_object = encode(&serde_json::json!(3), None);
    /// assert!(not_an_object.is_err_and(|error| !error.is_over_a_limit()));
    /// ```
    #[must_use]
    pub const fn is_over_a_limit(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::TooManyFields { .. } | Self::TooDeep { .. } => true,
            Self::Json(_) | Self::Type(_) | Self::NotReadBack { .. } => false,
        }
    }
}

/// The top-level fields of encoded data, each as its JSON text.
pub type EncodedFields = BTreeMap<String, Box<RawValue>>;

/// The fields as pairs of a name and a JSON text.
pub(crate) fn texts(fields: &EncodedFields) -> impl Iterator<Item = (&str, &str)> + Clone {
    fields.iter().map(|(name, text)| (&**name, text.get()))
}

/// Decodes data from its top-level fields.
///
/// Every field of the type must be present or have a serde default; see [`decode_over_default`].
///
/// # Errors
/// If the fields do not match the type.
pub fn decode<D: DeserializeOwned>(fields: &EncodedFields) -> Result<D, serde_json::Error> {
    serde_json::from_str(&joined(fields)?)
}

/// The key that a JSON text stands for.
fn unquoted(json: &[u8]) -> String {
    match serde_json::from_slice(json) {
        Ok(serde_json::Value::String(text)) => text,
        // A number, as the key of a map.
        _ => String::from_utf8_lossy(json).into_owned(),
    }
}

/// The JSON object that has these fields.
fn joined<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a Box<RawValue>)>,
) -> Result<String, serde_json::Error> {
    let mut text = vec![b'{'];
    for (name, json) in fields {
        if text.len() > 1 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, name)?;
        text.push(b':');
        text.extend_from_slice(json.get().as_bytes());
    }
    text.push(b'}');
    String::from_utf8(text).map_err(serde_json::Error::custom)
}

/// Whether two encoded fields have the same value. The order of an object's keys does not matter,
/// because a hash map has no fixed order. Numbers are compared as texts, so that none is rounded.
///
/// The time is proportional to the length of the texts, whatever their nesting.
#[must_use]
pub fn same_value(a: &RawValue, b: &RawValue) -> bool {
    let (a, b) = (a.get(), b.get());
    let is_container = |text: &str| text.starts_with(['[', '{']);
    if a == b {
        return true;
    }
    if !is_container(a) || !is_container(b) {
        return false;
    }
    let mut values = Values::new();
    matches!((values.read(a), values.read(b)), (Some(a), Some(b)) if a == b)
}

/// Whether two sets of encoded fields have the same names and the same values.
pub(crate) fn same_fields(a: &EncodedFields, b: &EncodedFields) -> bool {
    a.len() == b.len() && (a.iter().zip(b)).all(|(a, b)| a.0 == b.0 && same_value(a.1, b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default, Debug, PartialEq, Serialize, serde::Deserialize)]
    struct New {
        kept: u32,
        added: Vec<String>,
    }

    fn fields(json: &str) -> EncodedFields {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn data_that_is_not_an_object_or_too_large_is_refused() {
        assert!(matches!(encode(&3, None), Err(EncodeError::Json(_))));
        assert!(matches!(
            encode(&New::default(), Some(3)),
            Err(EncodeError::TooLarge { limit: 3, .. })
        ));
    }

    #[test]
    fn data_that_is_nested_too_deep_is_refused_with_the_name_of_the_field() {
        let nested = |levels| {
            let text = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
            let raw = RawValue::from_string(text).expect("JSON");
            encode(&BTreeMap::from([("a", "[["), ("b", "c")]), None).expect("flat");
            encode(&BTreeMap::from([("deep", raw)]), None)
        };
        assert!(nested(MAX_DEPTH).is_ok());
        for levels in [MAX_DEPTH + 1, 200_000] {
            let error = nested(levels).expect_err("too deep");
            assert!(matches!(&error, EncodeError::TooDeep { field, .. } if field == "deep"));
        }
    }

    #[test]
    fn same_value_does_not_recurse_and_takes_linear_time() {
        let nested = |leaf: u8| {
            let text = format!("{}{leaf}{}", "[".repeat(200_000), "]".repeat(200_000));
            RawValue::from_string(text).expect("JSON")
        };
        assert!(!same_value(&nested(1), &nested(2)));
        let objects = |leaf: u8| {
            let text = format!(
                "{}{leaf}{}",
                r#"{"a":"#.repeat(200_000),
                "}".repeat(200_000)
            );
            RawValue::from_string(text).expect("JSON")
        };
        assert!(!same_value(&objects(1), &objects(2)));
    }

    #[test]
    fn same_value_ignores_the_order_of_keys_and_rounds_no_number() {
        let a: EncodedFields = fields(r#"{"m":{"a":1,"b":2}}"#);
        let b: EncodedFields = fields(r#"{"m":{"b":2,"a":1}}"#);
        assert!(same_value(&a["m"], &b["m"]));
        assert!(!same_value(&a["m"], &fields(r#"{"m":{"a":1}}"#)["m"]));
        let big = |last: u8| {
            fields(&format!(
                r#"{{"n":[126765060022822940149670320537{last}]}}"#
            ))
        };
        assert!(same_value(&big(6)["n"], &big(6)["n"]));
        assert!(
            !same_value(&big(6)["n"], &big(7)["n"]),
            "no number is rounded"
        );
    }
}
