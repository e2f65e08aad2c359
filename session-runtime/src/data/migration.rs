//! The format of a config's data, and the fields that a migration changes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use super::sealing::Sealing;
use super::{DecodeError, EncodeError, EncodedFields};

/// A function that brings stored fields from an earlier version to the current one. `from` is the
/// version that wrote them.
pub type Migrate =
    fn(from: u32, fields: &mut Fields) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// How a config's data is stored: the versions that `data_version`, `write_version` and `migrate` say, and the
/// cipher of a store that [seals](Self::sealed) data.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DataFormat {
    /// The version of the type. Data of a later version is read if it decodes, and never written.
    pub current: u32,
    /// The version under which data is written, at most the current one.
    pub written: u32,
    /// Brings data of an earlier version to the current one when it is loaded.
    pub migrate: Option<Migrate>,
    /// Encrypts the fields.
    pub(super) sealing: Option<Sealing>,
}

impl DataFormat {
    /// The format of a config that says nothing about it: all data has version 1, and no field is sealed.
    pub const FIRST: Self = Self::new(1, 1, None);

    /// The version of the type, that under which data is written, and the migration. No field is sealed.
    #[must_use]
    pub const fn new(current: u32, written: u32, migrate: Option<Migrate>) -> Self {
        Self {
            current,
            written,
            migrate,
            sealing: None,
        }
    }
}

/// The top-level fields of stored data, for a migration.
///
/// ```
/// use connect_session_runtime::data::Fields;
///
/// fn migrate(
///     from: u32,
///     fields: &mut Fields,
/// ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     if from < 2 {
///         fields.rename("name", "full_name");
///         let cents: u64 = fields.get("total")?.unwrap_or(0);
///         fields.insert("total", &format!("{cents} ct"))?;
///     }
///     Ok(())
/// }
/// let mut fields = Fields::parse([("name", r#""Ada""#), ("total", "5")])?;
/// migrate(1, &mut fields)?;
/// assert_eq!(fields.get("full_name")?, Some("Ada".to_owned()));
/// assert_eq!(fields.get("total")?, Some("5 ct".to_owned()));
/// assert!(!fields.contains("name"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Default)]
pub struct Fields(EncodedFields);

impl Fields {
    /// The fields with these names and JSON texts.
    ///
    /// # Errors
    /// If a text is not JSON. The error names the field.
    pub fn parse<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, DecodeError> {
        let mut parsed = EncodedFields::new();
        for (name, text) in fields {
            let text = RawValue::from_string(text.to_owned());
            let text = text.map_err(|_| DecodeError::not_json(Some(name)))?;
            parsed.insert(name.to_owned(), text);
        }
        Ok(Self(parsed))
    }

    /// The value of a field, if it is stored.
    ///
    /// # Errors
    /// If it is of another type. The error does not contain the value.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(text.get())
            .map(Some)
            .map_err(|error| DecodeError::in_field(name, text.get(), &error))
    }

    /// Sets the value of a field.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.0.insert(name.into(), to_raw_value(value)?);
        Ok(())
    }

    /// Removes a field. Returns whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Gives a field another name; one that has the new name is replaced. Returns whether it was there.
    pub fn rename(&mut self, from: &str, to: impl Into<String>) -> bool {
        let value = self.0.remove(from);
        let was_there = value.is_some();
        self.0.extend(value.map(|value| (to.into(), value)));
        was_there
    }

    /// Whether a field is stored.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of the stored fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn into_encoded(self) -> EncodedFields {
        self.0
    }
}

/// Shows the names of the fields, but no value.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
