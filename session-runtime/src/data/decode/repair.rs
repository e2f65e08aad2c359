//! Decodes fields that the type did not accept at first.

use std::cell::Cell;

use super::error::{DecodeError, Reason};
use super::{FieldsDeserializer, SessionData};
use crate::data::{self, EncodedFields};

/// The maximum number of fields, and of bytes, among which the field of an error or an alias is searched.
const SEARCHED_FIELDS: usize = 64;
const SEARCHED_BYTES: usize = 64 << 10;

type Field<'a> = (&'a str, &'a str);

/// Decodes fields whose first decoding failed with `error`.
///
/// # Errors
/// The last error, with the field to which it belongs.
#[cold]
pub(super) fn decode<D: SessionData>(
    stored: &[Field<'_>],
    error: DecodeError,
) -> Result<D, DecodeError> {
    let default = data::encode(&D::default(), None).unwrap_or_default();
    with_default(stored.to_vec(), &default, error)
        .map_err(|error| with_field::<D>(stored, &default, error))
}

/// Decodes again and again: with a field of the `Default` that is missing, or without an alias of a field
/// that is there, one more each time.
fn with_default<'a, D: SessionData>(
    mut fields: Vec<Field<'a>>,
    default: &'a EncodedFields,
    mut error: DecodeError,
) -> Result<D, DecodeError> {
    let mut added: Vec<&str> = Vec::new();
    loop {
        match &error.reason {
            Reason::Missing(name) => {
                let field = default.get_key_value(&**name);
                let Some((name, text)) = field.filter(|(name, _)| !added.contains(&name.as_str()))
                else {
                    return Err(error);
                };
                added.push(name);
                fields.push((name, text.get()));
            }
            Reason::Duplicate(name) if leave_out_alias::<D>(&mut fields, name) => {}
            _ => return Err(error),
        }
        match D::deserialize(FieldsDeserializer(&mut fields.iter().copied())) {
            Err(next) => error = next,
            decoded => return decoded,
        }
    }
}

/// Removes an alias of a field that is there twice. Returns whether it found one.
fn leave_out_alias<D: SessionData>(fields: &mut Vec<Field<'_>>, name: &str) -> bool {
    // Read first, so that the type reports the alias.
    if let Some(own) = fields.iter().position(|(other, _)| *other == name) {
        fields[..=own].rotate_right(1);
    }
    let read = Cell::new(0);
    let mut noting = std::iter::from_fn(|| {
        let next = fields.get(read.get()).copied();
        read.set(read.get() + 1);
        next
    });
    let Err(error) = D::deserialize(FieldsDeserializer(&mut noting)) else {
        return true;
    };
    let Reason::Duplicate(name) = error.reason else {
        return false;
    };
    let last = read.get().saturating_sub(1);
    let alias = if last < fields.len() {
        Some(last)
    } else if is_searchable(fields) {
        // The type reads a flattened part after all fields.
        let is_alias = |at: &usize| {
            fields[*at].0 != &*name
                && !matches!(
                    D::deserialize(FieldsDeserializer(&mut without(fields, *at))),
                    Err(DecodeError { reason: Reason::Duplicate(again), .. }) if again == name
                )
        };
        (0..fields.len()).find(is_alias)
    } else {
        None
    };
    alias.map(|alias| fields.remove(alias)).is_some()
}

/// Whether there are so few fields that all of them but one can be decoded for each of them.
fn is_searchable(fields: &[Field<'_>]) -> bool {
    let bytes: usize = fields.iter().map(|(_, text)| text.len()).sum();
    fields.len() <= SEARCHED_FIELDS && bytes <= SEARCHED_BYTES
}

fn without<'a>(fields: &[Field<'a>], left_out: usize) -> impl Iterator<Item = Field<'a>> + Clone {
    let all = fields.iter().enumerate();
    all.filter(move |(at, _)| *at != left_out)
        .map(|(_, field)| *field)
}

/// The error with its field. A type does not tell the field if the error is in a flattened part, so it is
/// the one without which all others decode.
fn with_field<D: SessionData>(
    fields: &[Field<'_>],
    default: &EncodedFields,
    error: DecodeError,
) -> DecodeError {
    if error.field.is_some() || !is_searchable(fields) {
        return error;
    }
    let is_wrong = |left_out: &usize| {
        let others: Vec<_> = without(fields, *left_out).collect();
        match D::deserialize(FieldsDeserializer(&mut others.iter().copied())) {
            Ok(_) => true,
            Err(error) => with_default::<D>(others, default, error).is_ok(),
        }
    };
    match (0..fields.len()).find(is_wrong) {
        Some(wrong) => error.with_field(fields[wrong].0),
        None => error,
    }
}
