//! Session data field by field, as serializing stores keep and change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::data::{self, EncodeError, EncodedFields, SessionData};
use crate::printable;
use crate::record::{DataChange, NewRecord, Snapshot};
use crate::store::StoreError;

/// The top-level fields of a stored record, with their revisions.
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
    /// Adds a field: its name, its JSON text and its revision.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] with the name of the field if the text is not JSON.
    pub fn insert(&mut self, name: String, json: String, revision: u64) -> Result<(), StoreError> {
        let text = RawValue::from_string(json).map_err(|_| StoreError::Undecodable {
            field: Some(printable::name(&name)),
            // serde's own message would quote the value, which belongs to the user.
            source: "the stored text is not JSON".into(),
        })?;
        self.revisions.insert(name.clone(), revision);
        self.texts.insert(name, text);
        Ok(())
    }

    /// Decodes the data as the base of a later change. Missing fields are taken from `Default`.
    ///
    /// `version` is that of the record.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if the fields do not match the type.
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
    /// Encodes the data of a new record. Each field is stored with revision 1.
    ///
    /// # Errors
    /// If the data cannot be encoded, or has more bytes than `max_size`.
    pub fn fields(&self) -> Result<EncodedFields, EncodeError> {
        data::encode(&*self.data, Some(self.max_size))
    }

    /// The snapshot of the new record, stored with version 1 and these fields.
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

/// A change of data, field by field, for a serializing store.
#[derive(Debug, Default)]
pub struct Patch {
    /// The fields to write.
    pub set: Vec<FieldChange>,
    /// The fields to remove, each with the revision that it must still have.
    pub remove: Vec<(String, u64)>,
    /// Whether all stored fields are replaced, regardless of their revisions.
    pub replace_all: bool,
}

/// A field to write.
#[derive(Debug)]
pub struct FieldChange {
    /// The name of the field.
    pub name: String,
    /// Its JSON text.
    pub json: String,
    /// The revision that it must still have; `None` if it must not exist. Ignored if the patch
    /// replaces all fields.
    pub base: Option<u64>,
}

impl<D: SessionData> DataChange<D> {
    /// The fields that differ between the base and the new data. Without a base, the patch replaces
    /// all fields.
    ///
    /// # Errors
    /// If the data cannot be encoded, or has more bytes than `max_size`.
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
    /// The snapshot after this change was applied as `patch` and raised the record to `version`,
    /// which is the revision of every written field.
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
    /// Whether there is nothing to write or to remove.
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
    fn a_patch_contains_the_differences_with_their_base_revisions() {
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
    fn a_field_that_only_changed_its_key_order_is_not_in_the_patch() {
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
