//! The fields of a record in two JSON columns: one for revisions, one for texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::bad_text;
use crate::escape::to_json;
use connect_session_runtime::data::EncodedFields;
use connect_session_runtime::patch::{Patch, StoredFields};
use connect_session_runtime::store::StoreError;

/// The maximum length of a JSON key before it is replaced by a hash; the server limits keys, not texts.
const MAX_KEY_LENGTH: usize = 255;

/// The JSON key of a field: ASCII letters and digits as they are, and every other byte as `_` and two
/// hexadecimal digits, so that keys do not depend on the collation and need no quotes. A key that
/// would be too long is `_h` and the SHA-256 of the name; the name is then stored with the text.
fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            key.push(byte.into());
        } else {
            let _ = write!(key, "_{byte:02x}");
        }
    }
    if key.len() <= MAX_KEY_LENGTH {
        return key;
    }
    let hash = Sha256::digest(name);
    let mut key = "_h".to_owned();
    for byte in hash {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// Reverses [`key`]; `None` for a hash.
fn name(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'_' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else {
            return None;
        };
        rest = tail;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = digit(*high)? * 16 + digit(*low)?;
        bytes.push(u8::try_from(byte).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The text of a field, and its name if the key is a hash.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Json(String),
    Named(String, String),
}

fn text(name: &str, key: &str, json: &str) -> Text {
    if key.starts_with("_h") {
        Text::Named(name.to_owned(), json.to_owned())
    } else {
        Text::Json(json.to_owned())
    }
}

/// The revisions and texts of a new record.
pub(super) fn new(fields: &EncodedFields) -> (String, String) {
    let mut revisions = BTreeMap::new();
    let mut texts = BTreeMap::new();
    for (name, json) in fields {
        let key = key(name);
        texts.insert(key.clone(), text(name, &key, json.get()));
        revisions.insert(key, 1);
    }
    (to_json(&revisions), to_json(&texts))
}

/// Reads the columns `revisions` and `fields`.
pub(super) fn read(revisions: &str, texts: &str) -> Result<StoredFields, StoreError> {
    let revisions: BTreeMap<String, u64> =
        serde_json::from_str(revisions).map_err(|_| bad_text("revisions"))?;
    let texts: BTreeMap<String, Text> =
        serde_json::from_str(texts).map_err(|_| bad_text("fields"))?;
    let mut stored = StoredFields::default();
    for (key, text) in texts {
        let revision = revisions.get(&key).ok_or_else(|| bad_text("revisions"))?;
        let (name, json) = match text {
            Text::Json(json) => (name(&key).ok_or_else(|| bad_text("fields"))?, json),
            Text::Named(name, json) => (name, json),
        };
        stored.insert(name, json, *revision)?;
    }
    Ok(stored)
}

/// A [`Patch`] as arguments of the commit statement.
#[derive(Debug, Clone)]
pub(super) struct PatchArgs {
    /// Whether the data change.
    pub(super) any: bool,
    pub(super) replace_all: bool,
    /// Merged into `revisions`. `@` stands for the new version; no key contains it.
    pub(super) revisions: String,
    /// Merged into `fields`; null removes a field.
    pub(super) texts: String,
    /// The revisions that fields must have.
    pub(super) bases: String,
    /// The fields that must not exist, and their number.
    pub(super) absent: String,
    pub(super) absent_count: i64,
}

impl PatchArgs {
    pub(super) fn new(patch: Option<&Patch>) -> Self {
        let none = Patch::default();
        let patch = patch.unwrap_or(&none);
        let mut texts = BTreeMap::new();
        let mut bases = BTreeMap::new();
        let mut absent = BTreeMap::new();
        let mut revisions = Vec::new();
        for field in &patch.set {
            let key = key(&field.name);
            revisions.push(format!("\"{key}\":@"));
            texts.insert(key.clone(), Some(text(&field.name, &key, &field.json)));
            match field.base {
                _ if patch.replace_all => {}
                Some(base) => drop(bases.insert(key, base)),
                None => drop(absent.insert(key, 0)),
            }
        }
        for (name, base) in &patch.remove {
            let key = key(name);
            revisions.push(format!("\"{key}\":null"));
            texts.insert(key.clone(), None);
            bases.insert(key, *base);
        }
        Self {
            any: !patch.is_empty(),
            replace_all: patch.replace_all,
            revisions: format!("{{{}}}", revisions.join(",")),
            texts: to_json(&texts),
            bases: to_json(&bases),
            absent_count: i64::try_from(absent.len()).unwrap_or(i64::MAX),
            absent: to_json(&absent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_reversible_and_unique() {
        let names = ["", "a", "_", "a_b", "_61", "é", "🦀", "\0", "$.\"'`", "A"];
        let mut seen = std::collections::BTreeSet::new();
        for it in names {
            let key = key(it);
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            assert!(key.bytes().all(is_plain), "{key}");
            assert_eq!(name(&key).as_deref(), Some(it));
            assert!(seen.insert(key), "{it:?}");
        }
    }

    #[test]
    fn a_long_name_is_stored_with_its_text() {
        let long = "é".repeat(32 * 1024);
        let fields: EncodedFields = serde_json::from_str(&format!("{{\"{long}\":1}}")).unwrap();
        let (revisions, texts) = new(&fields);
        assert!(revisions.len() < 100, "{revisions}");
        let snapshot = read(&revisions, &texts).unwrap();
        let snapshot = snapshot
            .snapshot::<connect_session_runtime::untyped::Untyped>(1)
            .unwrap();
        assert_eq!(snapshot.data.get::<u8>(&long).unwrap(), Some(1));
    }
}
