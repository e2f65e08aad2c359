//! Session data without a declared type.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::check::check_value;
use crate::error::{Error, ErrorKind};

/// The data of a session whose config names no `data`: a map from strings to JSON values.
///
/// Every key is plain data; none has a special meaning.
///
/// ```
/// use connect_session::Untyped;
///
/// let mut data = Untyped::default();
/// data.insert("visits", 3)?;
/// assert_eq!(data.get::<u32>("visits")?, Some(3));
/// assert!(data.get::<String>("visits").is_err(), "a number is not a string");
/// # Ok::<(), connect_session::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untyped(Map<String, Value>);

impl Untyped {
    /// The value of a key, if present.
    ///
    /// # Errors
    /// [`ErrorKind::Undecodable`] if the value is not of type `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        // serde's error would quote the value, which may be private.
        let value = self
            .0
            .get(key)
            .map(T::deserialize)
            .transpose()
            .map_err(|_| WrongType);
        value.map_err(|error| Error::with_source(ErrorKind::Undecodable, error))
    }

    /// The value of a key as JSON, if present.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Unencodable`] if the value cannot be encoded as JSON, and [`ErrorKind::TooDeep`]
    /// if it is nested deeper than a session can hold. Nothing is changed then.
    pub fn insert<T: Serialize>(&mut self, key: impl Into<String>, value: T) -> Result<(), Error> {
        let key = key.into();
        check_value(&key, &value)?;
        let value = serde_json::to_value(value)
            .map_err(|error| Error::with_source(ErrorKind::Unencodable, error))?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Removes a key, and returns its value if it was present.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Whether a key is present.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the map is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

#[derive(Debug)]
struct WrongType;

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is not of the requested type")
    }
}

impl std::error::Error for WrongType {}

/// Shows the number of keys, but neither keys nor values.
impl fmt::Debug for Untyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untyped({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_contain_the_value() {
        let mut data = Untyped::default();
        data.insert("token", "a user's own").expect("inserted");
        let error = data.get::<u32>("token").expect_err("a text");
        let text = format!("{error:?} {error} {data:?}");
        assert!(!text.contains("own"), "{text}");
    }
}
