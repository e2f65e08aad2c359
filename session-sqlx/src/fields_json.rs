//! The fields of a record in one JSON column.

use std::collections::BTreeMap;

use connect_session_runtime::data::{DecodeError, EncodedFields};
use connect_session_runtime::patch::{Patch, StoredFields};
use connect_session_runtime::store::StoreError;

use crate::escape::{escape, to_json, unescape};

/// The fields of a record: the escaped name of each, its revision and its JSON text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(BTreeMap<String, (u64, String)>);

impl Fields {
    /// The fields of a new record.
    pub(crate) fn new(fields: &EncodedFields) -> Self {
        let fields = fields.iter().map(|(name, json)| {
            let field = (1, json.get().to_owned());
            (escape(name).into_owned(), field)
        });
        Self(fields.collect())
    }

    /// Parses the result of [`to_json`](Self::to_json).
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let fields = serde_json::from_str(text).map_err(|_| DecodeError::not_json(None))?;
        Ok(Self(fields))
    }

    /// All fields as one JSON text. The text of each field is a string in it, so that the database
    /// does not parse it.
    pub(crate) fn to_json(&self) -> String {
        to_json(&self.0)
    }

    pub(crate) fn into_stored(self) -> Result<StoredFields, StoreError> {
        let mut stored = StoredFields::default();
        for (name, (revision, json)) in self.0 {
            stored.insert(unescape(&name).into_owned(), json, revision)?;
        }
        Ok(stored)
    }

    /// Whether every field that the patch writes still has the revision that the patch is based on.
    pub(crate) fn is_base_of(&self, patch: &Patch) -> bool {
        let revision = |name: &str| self.0.get(&*escape(name)).map(|(revision, _)| *revision);
        let set = patch.set.iter().map(|field| (&field.name, field.base));
        let removed = (patch.remove.iter()).map(|(name, base)| (name, Some(*base)));
        patch.replace_all || (set.chain(removed)).all(|(name, base)| revision(name) == base)
    }

    pub(crate) fn apply(&mut self, patch: &Patch, version: u64) {
        if patch.replace_all {
            self.0.clear();
        }
        for (name, _) in &patch.remove {
            self.0.remove(&*escape(name));
        }
        for field in &patch.set {
            let name = escape(&field.name).into_owned();
            self.0.insert(name, (version, field.json.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_with_another_shape_is_refused() {
        let read = |text| Fields::parse(text).and_then(Fields::into_stored);
        for text in ["", "[]", r#"{"a":1}"#, r#"{"a":[1,"{"]}"#] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(r#"{"a":[1,"{}"]}"#).is_ok());
    }
}
