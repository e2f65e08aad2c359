//! Data without a type of its own.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// The data of a session whose config names no `data`: a map from strings to JSON values.
///
/// Any key is plain data, whatever it is called.
///
/// ```
/// use connect_session::Untyped;
///
/// let mut data = Untyped::default();
/// data.insert("visits", 3)?;
/// assert_eq!(data.get::<u32>("visits")?, Some(3));
/// assert!(data.get::<String>("visits").is_err(), "a number is no string");
/// # Ok::<(), connect_session::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untyped(Map<String, Value>);

impl Untyped {
    /// The value of a key, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Undecodable`] when the value is not of type `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        // What serde says of it would quote the value, which is the user's.
        let value = self
            .0
            .get(key)
            .map(T::deserialize)
            .transpose()
            .map_err(|_| WrongType);
        value.map_err(|error| Error::with_source(ErrorKind::Undecodable, error))
    }

    /// The value of a key as JSON, if there is one.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Unencodable`] when the value has no JSON form; nothing is changed then.
    pub fn insert<T: Serialize>(&mut self, key: impl Into<String>, value: T) -> Result<(), Error> {
        let value = serde_json::to_value(value)
            .map_err(|error| Error::with_source(ErrorKind::Unencodable, error))?;
        self.0.insert(key.into(), value);
        Ok(())
    }

    /// Removes a key, and gives its value if there was one.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Whether there is a value for a key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the value is of another type than the one that was asked for")]
struct WrongType;

/// Shows how many keys there are, and nothing of what a user stored.
impl fmt::Debug for Untyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untyped({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_nothing_of_the_value() {
        let mut data = Untyped::default();
        data.insert("token", "a user's own").expect("inserted");
        let error = data.get::<u32>("token").expect_err("a text");
        let said = format!("{error:?} {error} {data:?}");
        assert!(!said.contains("own"), "{said}");
    }
}
