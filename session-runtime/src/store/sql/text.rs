//! Names and texts as a row keeps them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::data::EncodedFields;
use crate::patch::{Patch, StoredFields};
use crate::store::StoreError;

/// A text without NUL, which `PostgreSQL` takes nowhere: `\` is doubled, and NUL is `\0`.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\0']) {
        text.replace('\\', "\\\\").replace('\0', "\\0").into()
    } else {
        text.into()
    }
}

/// What [`escape`] was given.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next().map(|next| match next {
                '0' => '\0',
                other => other,
            })),
            other => plain.push(other),
        }
    }
    plain.into()
}

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

    /// Reads what [`container`](Self::container) wrote.
    pub(super) fn read(container: &str) -> Result<Self, StoreError> {
        let fields = serde_json::from_str(container).map_err(|_| StoreError::Undecodable {
            field: None,
            // What serde says of it could quote the data, which are the user's.
            source: "the column `fields` is not as this library writes it".into(),
        })?;
        Ok(Self(fields))
    }

    /// All of them as one JSON text. The text of a field is a string in it, so that nobody parses
    /// it.
    pub(super) fn container(&self) -> String {
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

/// What a change writes, as a statement takes it.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The revision that each changed field must still have, or null if it must not exist; `None`
    /// if nothing is asked.
    pub(super) bases: Option<String>,
    pub(super) replace_all: bool,
    /// The new text of each field; `None` if no data are written.
    pub(super) set: Option<String>,
    pub(super) remove: Vec<String>,
}

impl Written {
    pub(super) fn new(patch: Option<&Patch>) -> Self {
        let Some(patch) = patch.filter(|patch| !patch.is_empty()) else {
            return Self::default();
        };
        let written = (patch.set.iter()).map(|field| (escape(&field.name), field.base));
        let removed = (patch.remove.iter()).map(|(name, base)| (escape(name), Some(*base)));
        let bases: BTreeMap<_, _> = written.chain(removed).collect();
        let set = (patch.set.iter()).map(|field| (escape(&field.name), &*field.json));
        let set: BTreeMap<_, _> = set.collect();
        Self {
            bases: (!patch.replace_all).then(|| json(&bases)),
            replace_all: patch.replace_all,
            set: Some(json(&set)),
            remove: (patch.remove.iter())
                .map(|(name, _)| escape(name).into_owned())
                .collect(),
        }
    }
}

/// JSON of what always has a JSON form: maps with names as keys, numbers and texts.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_no_two_become_one() {
        let texts = ["", "a", "\0", "\\0", "\\\0", "\\\\0", "a\\", "0", "\0\0\\"];
        let mut seen = std::collections::BTreeSet::new();
        for text in texts {
            let escaped = escape(text).into_owned();
            assert!(!escaped.contains('\0'));
            assert_eq!(unescape(&escaped), text);
            assert!(seen.insert(escaped), "{text:?}");
        }
    }

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
