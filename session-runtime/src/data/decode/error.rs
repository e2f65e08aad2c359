//! Why stored fields do not decode.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny};
use serde_json::error::Category;

use crate::printable;

/// Why fields do not decode: the kind of serde's error, and the field. No part of it is a stored value,
/// which may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub(super) reason: Reason,
    /// The name of the top-level field, escaped and shortened.
    pub(super) field: Option<String>,
}

/// The kinds of serde's errors. Names come from the type, never from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// The object of all fields lacks one that the type requires.
    Missing(Cow<'static, str>),
    /// The object of all fields has a field under two names, its own and an alias.
    Duplicate(Cow<'static, str>),
    /// The type refuses a field of the object of all fields.
    UnknownField,
    /// An object within a field lacks one of its fields.
    MissingInside(Option<String>),
    DuplicateInside,
    UnknownFieldInside,
    UnknownVariant,
    NoVariant,
    WrongType,
    WrongValue,
    WrongLength,
    /// A number of 128 bits in a flattened part or an untagged enum, which serde cannot read.
    WideNumber,
    /// The text of a field is not JSON.
    NotJson,
    /// The field is sealed, and cannot be opened.
    NotOpened,
    /// The config's `migrate` has failed.
    NotMigrated,
    /// An error of the type's own implementation of `Deserialize`.
    Other,
}

impl DecodeError {
    /// The top-level field that does not decode, if known, escaped and shortened.
    ///
    /// ```
    /// use connect_session_runtime::data::decode_fields;
    ///
    /// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
    /// struct Cart {
    ///     visits: u64,
    /// }
    /// let error = decode_fields::<Cart>([("visits", r#""many""#)].into_iter()).err();
    /// let error = error.ok_or("a text is not a number")?;
    /// assert_eq!(error.field(), Some("visits"));
    /// assert_eq!(error.to_string(), "wrong type");
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The error for stored fields that are not JSON; `field` is the one that is not, if it is known.
    ///
    /// ```
    /// use connect_session_runtime::data::DecodeError;
    ///
    /// let error = DecodeError::not_json(Some("visits"));
    /// assert_eq!(error.field(), Some("visits"));
    /// ```
    #[must_use]
    pub fn not_json(field: Option<&str>) -> Self {
        let error = Self::from(Reason::NotJson);
        match field {
            Some(name) => error.with_field(name),
            None => error,
        }
    }

    pub(crate) fn not_migrated() -> Self {
        Reason::NotMigrated.into()
    }

    pub(crate) fn not_opened(field: &str) -> Self {
        Self::from(Reason::NotOpened).with_field(field)
    }

    /// Whether a sealed field cannot be opened, as with a wrong key.
    pub(crate) fn is_not_opened(&self) -> bool {
        self.reason == Reason::NotOpened
    }

    /// Whether the type refuses a top-level field that it does not know.
    pub(crate) const fn is_unknown_field(&self) -> bool {
        matches!(self.reason, Reason::UnknownField)
    }

    /// Whether the type requires a field that is not there.
    pub(crate) const fn is_missing_field(&self) -> bool {
        matches!(self.reason, Reason::Missing(_) | Reason::MissingInside(_))
    }

    /// The error of a field's text.
    pub(in crate::data) fn in_field(name: &str, text: &str, error: &serde_json::Error) -> Self {
        Self {
            reason: reason_inside(text, error),
            field: Some(printable::name(name)),
        }
    }

    pub(super) fn missing(name: Cow<'static, str>) -> Self {
        Self {
            field: Some(printable::name(&name)),
            reason: Reason::Missing(name),
        }
    }

    pub(super) fn with_field(self, name: &str) -> Self {
        let field = Some(printable::name(name));
        Self { field, ..self }
    }
}

impl From<Reason> for DecodeError {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            field: None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.reason {
            Reason::Missing(name) => {
                return write!(f, "missing field `{}`", printable::name(name));
            }
            Reason::Duplicate(name) => {
                return write!(f, "duplicate field `{}`", printable::name(name));
            }
            Reason::MissingInside(Some(name)) => {
                return write!(f, "missing field `{name}` in its value");
            }
            Reason::MissingInside(None) => "missing field in its value",
            Reason::DuplicateInside => "duplicate field in its value",
            Reason::UnknownField => "unknown field",
            Reason::UnknownFieldInside => "unknown field in its value",
            Reason::UnknownVariant => "unknown variant",
            Reason::NoVariant => "no variant of an untagged enum",
            Reason::WrongType => "wrong type",
            Reason::WrongValue => "wrong value",
            Reason::WrongLength => "wrong length",
            Reason::WideNumber => {
                "serde reads no 128-bit number in a flattened part or an untagged enum; keep it as a text"
            }
            Reason::NotJson => "the stored text is not JSON",
            Reason::NotOpened => {
                "it was changed or copied, or sealed with a key that this program does not have"
            }
            Reason::NotMigrated => "the config's `migrate` has failed",
            Reason::Other => "refused by the type's own `Deserialize`",
        })
    }
}

impl std::error::Error for DecodeError {}

/// The errors that a type reports for the object of all fields.
impl de::Error for DecodeError {
    // The message may quote the value, so only its beginning counts.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let reason = match reason_of(&message.to_string()) {
            // A type with both `flatten` and `deny_unknown_fields` reports it in this way.
            Some(Reason::UnknownFieldInside) => Reason::UnknownField,
            reason => reason.unwrap_or(Reason::Other),
        };
        reason.into()
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Reason::WrongType.into()
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Reason::WrongValue.into()
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Reason::WrongLength.into()
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Reason::UnknownVariant.into()
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Reason::UnknownField.into()
    }

    fn missing_field(name: &'static str) -> Self {
        Self::missing(Cow::Borrowed(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::from(Reason::Duplicate(Cow::Borrowed(name))).with_field(name)
    }
}

/// The reason within the text of a field.
fn reason_inside(text: &str, error: &serde_json::Error) -> Reason {
    let message = error.to_string();
    if let Some(reason) = reason_of(&message) {
        return match reason {
            Reason::MissingInside(_) => Reason::MissingInside(name_of_the_type(&message, text)),
            reason => reason,
        };
    }
    match error.classify() {
        Category::Data => Reason::Other,
        // serde_json calls some values of another type a mistake of the syntax.
        _ if serde_json::from_str::<IgnoredAny>(text).is_ok() => Reason::WrongType,
        _ => Reason::NotJson,
    }
}

/// The reason that a message of serde begins with.
fn reason_of(message: &str) -> Option<Reason> {
    let begins = |beginning| message.starts_with(beginning);
    Some(match () {
        () if begins("missing field") => Reason::MissingInside(None),
        () if begins("duplicate field") => Reason::DuplicateInside,
        () if begins("unknown field") => Reason::UnknownFieldInside,
        () if begins("unknown variant") => Reason::UnknownVariant,
        () if begins("data did not match any variant") => Reason::NoVariant,
        () if begins("invalid type") => Reason::WrongType,
        () if begins("invalid value") || begins("number out of range") => Reason::WrongValue,
        () if begins("invalid length") => Reason::WrongLength,
        () if begins("u128 is not supported") || begins("i128 is not supported") => {
            Reason::WideNumber
        }
        () => return None,
    })
}

/// The name in backquotes, unless it occurs in the stored text: then it might be a value. A name with
/// other characters might occur there in an escaped form.
fn name_of_the_type(message: &str, stored: &str) -> Option<String> {
    let name = message.split('`').nth(1).filter(|name| !name.is_empty())?;
    let is_plain = name
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "_-. ".contains(character));
    let is_stored = || {
        let name = name.to_ascii_lowercase();
        stored.to_ascii_lowercase().contains(&name)
    };
    (is_plain && !is_stored()).then(|| printable::name(name))
}
