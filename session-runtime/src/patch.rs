//! Data field by field: what a store of encoded fields keeps, and what a change sends to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::data::{self, EncodeError, EncodedFields, SessionData};
use crate::record::{DataChange, NewRecord, Snapshot};
use crate::store::StoreError;

/// The top-level fields of a record as a store keeps them.
///
/// ```
/// use connect_session::Untyped;
/// use connect_session::store::StoredFields;
///
/// let mut fields = StoredFields::default();
/// fields.insert("user".to_owned(), r#""ada""#.to_owned(), 1)?;
/// let snapshot = fields.snapshot::<Untyped>(1)?;
/// assert_eq!(snapshot.data.get::<String>("user")?.as_deref(), Some("ada"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct StoredFields {
    texts: EncodedFields,
    revisions: BTreeMap<String, u64>,
}

impl StoredFields {
    /// Adds a field as it was read.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] with the name of the field if the text is no JSON.
    pub fn insert(&mut self, name: String, json: String, revision: u64) -> Result<(), StoreError> {
        let text = RawValue::from_string(json).map_err(|_| StoreError::Undecodable {
            field: Some(name.clone()),
            // What serde says of it would quote the value, which is the user's.
            source: "its text is no JSON".into(),
        })?;
        self.revisions.insert(name.clone(), revision);
        self.texts.insert(name, text);
        Ok(())
    }

    /// The data, laid over its `Default`, and what a later change is based on.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if the fields are not what the type expects.
    pub fn snapshot<D: SessionData>(self, version: u64) -> Result<Snapshot<D>, StoreError> {
        let data = data::decode_over_default(&self.texts).map_err(|(field, source)| {
            StoreError::Undecodable {
                field,
                source: source.into(),
            }
        })?;
        Ok(Snapshot {
            data: Arc::new(data),
            version,
            revisions: Some(Arc::new(self.revisions)),
        })
    }
}

impl<D: SessionData> NewRecord<D> {
    /// The fields of a new record, each of revision 1.
    ///
    /// # Errors
    /// When the data cannot be encoded, or has more bytes than `max_size`.
    pub fn fields(&self) -> Result<EncodedFields, EncodeError> {
        data::encode(&*self.data, Some(self.max_size))
    }

    /// What a later change of the new record, kept as version 1 with these fields, is based on.
    #[must_use]
    pub fn into_snapshot(&self, fields: &EncodedFields) -> Snapshot<D> {
        let revisions = fields.keys().map(|name| (name.clone(), 1)).collect();
        Snapshot {
            data: self.data.clone(),
            version: 1,
            revisions: Some(Arc::new(revisions)),
        }
    }
}

/// A change of data, field by field, for a store of encoded fields.
#[derive(Debug, Default)]
pub struct Patch {
    /// The fields that are to be written.
    pub set: Vec<FieldChange>,
    /// The fields that are to be removed, each with the revision that it must still have.
    pub remove: Vec<(String, u64)>,
    /// Whether every other field is removed too, whatever its revision.
    pub replace_all: bool,
}

/// A field that is to be written.
#[derive(Debug)]
pub struct FieldChange {
    /// The name of the field.
    pub name: String,
    /// Its JSON text.
    pub json: String,
    /// The revision that it must still have; `None` if it must not exist.
    pub base: Option<u64>,
}

impl<D: SessionData> DataChange<D> {
    /// The change field by field: what differs between the base and the new data.
    ///
    /// # Errors
    /// When the data cannot be encoded, or has more bytes than `max_size`.
    pub fn patch(&self) -> Result<Patch, EncodeError> {
        let new = data::encode(&*self.data, Some(self.max_size))?;
        let Some(base) = &self.base else {
            let set = (new.into_iter())
                .map(|(name, json)| FieldChange {
                    name,
                    json: json.get().to_owned(),
                    base: None,
                })
                .collect();
            return Ok(Patch {
                set,
                remove: Vec::new(),
                replace_all: true,
            });
        };
        let old = data::encode(&*base.data, None)?;
        let revision = |name: &str| {
            base.revisions
                .as_ref()
                .and_then(|revisions| revisions.get(name).copied())
        };
        let remove = (old.keys().filter(|name| !new.contains_key(*name)))
            .filter_map(|name| Some((name.clone(), revision(name)?)))
            .collect();
        let set = (new.into_iter())
            .filter(|(name, json)| !old.get(name).is_some_and(|old| data::same_value(old, json)))
            .map(|(name, json)| FieldChange {
                base: revision(&name),
                json: json.get().to_owned(),
                name,
            })
            .collect();
        Ok(Patch {
            set,
            remove,
            replace_all: false,
        })
    }
}

impl<D> DataChange<D> {
    /// What a later change is based on, when this one was applied as that patch and the record got
    /// that version, which is the revision of every written field.
    #[must_use]
    pub fn snapshot_after(&self, patch: &Patch, version: u64) -> Snapshot<D> {
        let mut revisions = (self.base.as_ref())
            .filter(|_| !patch.replace_all)
            .and_then(|base| base.revisions.as_deref().cloned())
            .unwrap_or_default();
        for (name, _) in &patch.remove {
            revisions.remove(name);
        }
        for field in &patch.set {
            revisions.insert(field.name.clone(), version);
        }
        Snapshot {
            data: self.data.clone(),
            version,
            revisions: Some(Arc::new(revisions)),
        }
    }
}

impl Patch {
    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty() && !self.replace_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untyped::Untyped;

    fn untyped(json: &str) -> Arc<Untyped> {
        Arc::new(serde_json::from_str(json).expect("an object"))
    }

    fn patch(base: &str, revisions: &[(&str, u64)], new: &str) -> Patch {
        let revisions = revisions
            .iter()
            .map(|(name, at)| ((*name).to_owned(), *at))
            .collect();
        let base = Snapshot {
            data: untyped(base),
            version: 9,
            revisions: Some(Arc::new(revisions)),
        };
        let change = DataChange {
            base: Some(base),
            data: untyped(new),
            max_size: 1_000,
        };
        change.patch().expect("encodes")
    }

    #[test]
    fn a_patch_has_what_differs_and_the_revision_it_is_based_on() {
        let patch = patch(
            r#"{"same":1,"changed":1,"dropped":1}"#,
            &[("same", 3), ("changed", 4), ("dropped", 5)],
            r#"{"same":1,"changed":2,"added":true}"#,
        );
        let set: Vec<_> = patch
            .set
            .iter()
            .map(|field| (&*field.name, &*field.json, field.base))
            .collect();
        assert_eq!(set, [("added", "true", None), ("changed", "2", Some(4))]);
        assert_eq!(patch.remove, [("dropped".to_owned(), 5)]);
    }

    #[test]
    fn changed_and_changed_back_is_no_patch() {
        assert!(
            patch(
                r#"{"a":{"x":1,"y":2}}"#,
                &[("a", 1)],
                r#"{"a":{"y":2,"x":1}}"#
            )
            .is_empty()
        );
    }
}
