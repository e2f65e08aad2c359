//! The fields of a record in one column.

use std::collections::BTreeMap;

use super::escape::{escape, json, unescape};
use connect_session_runtime::data::EncodedFields;
#[cfg(feature = "sqlite")]
use connect_session_runtime::patch::Patch;
use connect_session_runtime::patch::StoredFields;
use connect_session_runtime::store::StoreError;

/// The fields of a record: each name, escaped, with its revision and its text.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, (u64, String)>);

impl Fields {
    /// The fields of a new record.
    pub(super) fn new(fields: &EncodedFields) -> Self {
        let kept = fields.iter().map(|(name, json)| {
            let field = (1, json.get().to_owned());
            (escape(name).into_owned(), field)
        });
        Self(kept.collect())
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        let fields = serde_json::from_str(text).map_err(|_| StoreError::Undecodable {
            field: None,
            // What serde says of it could quote the data, which are the user's.
            source: "the column `fields` is not as this library writes it".into(),
        })?;
        Ok(Self(fields))
    }

    /// All of them as one JSON text. The text of a field is a string in it, so that nobody parses
    /// it.
    pub(super) fn to_json(&self) -> String {
        json(&self.0)
    }

    pub(super) fn stored(self) -> Result<StoredFields, StoreError> {
        let mut stored = StoredFields::default();
        for (name, (revision, json)) in self.0 {
            stored.insert(unescape(&name).into_owned(), json, revision)?;
        }
        Ok(stored)
    }

    /// Whether every field that the patch writes is what the patch is based on.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_base_of(&self, patch: &Patch) -> bool {
        let revision = |name: &str| self.0.get(&*escape(name)).map(|(revision, _)| *revision);
        let written = patch.set.iter().map(|field| (&field.name, field.base));
        let removed = (patch.remove.iter()).map(|(name, base)| (name, Some(*base)));
        patch.replace_all || (written.chain(removed)).all(|(name, base)| revision(name) == base)
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn write(&mut self, patch: &Patch, version: u64) {
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
    fn a_container_that_somebody_wrote_by_hand_is_refused() {
        for text in ["", "[]", r#"{"a":1}"#, r#"{"a":[1,"{"]}"#] {
            assert!(
                Fields::read(text).and_then(Fields::stored).is_err(),
                "{text}"
            );
        }
        assert!(
            Fields::read(r#"{"a":[1,"{}"]}"#)
                .and_then(Fields::stored)
                .is_ok()
        );
    }
}
