//! Names and texts as these servers keep them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::ContextError;
use crate::escape::json;
use connect_session_runtime::data::EncodedFields;
use connect_session_runtime::patch::{Patch, StoredFields};
use connect_session_runtime::store::StoreError;

/// The longest name that is a key as it is; a server has limits to keys, and none to texts.
const LONGEST: usize = 255;

/// The key of a field: letters and digits as they are, and every other byte as `_` and its two
/// hexadecimal digits, so that a key is the same in every collation and needs no quotes. A longer
/// one is `_h` and the SHA-256 of the name, which then is beside the text.
fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            key.push(byte.into());
        } else {
            let _ = write!(key, "_{byte:02x}");
        }
    }
    if key.len() <= LONGEST {
        return key;
    }
    let hash = Sha256::digest(name);
    let mut key = "_h".to_owned();
    for byte in hash {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// The name that a key stands for, if it is in it.
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

/// The text of a field, and its name where the key has not got it.
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

/// The two columns of a new record.
pub(super) fn new(fields: &EncodedFields) -> (String, String) {
    let mut revisions = BTreeMap::new();
    let mut texts = BTreeMap::new();
    for (name, json) in fields {
        let key = key(name);
        texts.insert(key.clone(), text(name, &key, json.get()));
        revisions.insert(key, 1);
    }
    (json(&revisions), json(&texts))
}

/// Reads the two columns.
pub(super) fn read(revisions: &str, texts: &str) -> Result<StoredFields, StoreError> {
    // What serde says of them could quote the data, which are the user's.
    let misshapen = |column: &str| StoreError::Undecodable {
        field: None,
        source: ContextError::new(format!(
            "the column `{column}` is not as this library writes it"
        ))
        .into(),
    };
    let revisions: BTreeMap<String, u64> =
        serde_json::from_str(revisions).map_err(|_| misshapen("revisions"))?;
    let texts: BTreeMap<String, Text> =
        serde_json::from_str(texts).map_err(|_| misshapen("fields"))?;
    let mut stored = StoredFields::default();
    for (key, text) in texts {
        let revision = revisions.get(&key).ok_or_else(|| misshapen("revisions"))?;
        let (name, json) = match text {
            Text::Json(json) => (name(&key).ok_or_else(|| misshapen("fields"))?, json),
            Text::Named(name, json) => (name, json),
        };
        stored.insert(name, json, *revision)?;
    }
    Ok(stored)
}

/// What a change writes, as the statement takes it.
#[derive(Debug, Clone)]
pub(super) struct PatchArgs {
    pub(super) any: bool,
    pub(super) replace_all: bool,
    /// What is merged into `revisions`; `@` is the new version, which no key has in it.
    pub(super) revisions: String,
    /// What is merged into `fields`: a null removes.
    pub(super) texts: String,
    /// The revisions that fields must have.
    pub(super) bases: String,
    /// The fields that must not exist, and how many they are.
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
            texts: json(&texts),
            bases: json(&bases),
            absent_count: i64::try_from(absent.len()).unwrap_or(i64::MAX),
            absent: json(&absent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_letters_digits_and_underscores_and_stands_for_one_name() {
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
    fn a_long_name_is_beside_its_text() {
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
