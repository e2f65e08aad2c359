//! The encryption of stored fields.

use std::fmt;

use serde_json::value::RawValue;

use super::{DataFormat, DecodeError, EncodeError, EncodedFields};
use crate::sid::SessionId;

/// Encrypts the fields of sessions before a store writes them. [`DataFormat::sealed`] tells a store to use it.
pub trait FieldCipher: Send + Sync {
    /// The JSON text to store in place of `json`. Only the same place opens it.
    ///
    /// # Errors
    /// If the text cannot be encrypted.
    fn seal(&self, place: FieldPlace<'_>, json: &str) -> Result<String, EncodeError>;

    /// The JSON text that was sealed; `None` if `stored` was not sealed for this place with a known key.
    fn open(&self, place: FieldPlace<'_>, stored: &str) -> Option<String>;
}

/// Where a field is stored.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FieldPlace<'a> {
    /// The namespace of the session.
    pub namespace: &'a str,
    /// The public id of the session.
    pub id: SessionId,
    /// The name of the field.
    pub name: &'a str,
}

/// The cipher of one session.
#[derive(Clone, Copy)]
pub(super) struct Sealing {
    cipher: &'static dyn FieldCipher,
    namespace: &'static str,
    id: SessionId,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealing").finish_non_exhaustive()
    }
}

impl Sealing {
    fn place<'a>(&self, name: &'a str) -> FieldPlace<'a> {
        FieldPlace {
            namespace: self.namespace,
            id: self.id,
            name,
        }
    }
}

impl DataFormat {
    /// The same format, for a store that seals the fields of this session with a cipher.
    #[must_use]
    pub fn sealed(
        self,
        cipher: &'static dyn FieldCipher,
        namespace: &'static str,
        id: SessionId,
    ) -> Self {
        let sealing = Some(Sealing {
            cipher,
            namespace,
            id,
        });
        Self { sealing, ..self }
    }

    /// The fields as this store keeps them.
    ///
    /// # Errors
    /// If a field cannot be sealed.
    pub(crate) fn seal(&self, fields: EncodedFields) -> Result<EncodedFields, EncodeError> {
        let Some(sealing) = self.sealing else {
            return Ok(fields);
        };
        let seal = |(name, json): (String, Box<RawValue>)| {
            let text = sealing.cipher.seal(sealing.place(&name), json.get())?;
            Ok((name, RawValue::from_string(text)?))
        };
        fields.into_iter().map(seal).collect()
    }

    /// The fields before they were sealed; `None` if this store does not seal them.
    ///
    /// # Errors
    /// If a field cannot be opened.
    pub(crate) fn open<'a>(
        &self,
        stored: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<EncodedFields>, DecodeError> {
        let Some(sealing) = self.sealing else {
            return Ok(None);
        };
        let open = |(name, text): (&str, &str)| {
            let text = sealing.cipher.open(sealing.place(name), text);
            let text = text.and_then(|text| RawValue::from_string(text).ok());
            let text = text.ok_or_else(|| DecodeError::not_opened(name))?;
            Ok((name.to_owned(), text))
        };
        stored.map(open).collect::<Result<_, _>>().map(Some)
    }
}
