//! Session data field by field, as serializing stores keep and change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::data::{self, DecodeError, EncodeError, EncodedFields, SessionData, proof};
use crate::record::{DataChange, NewRecord, Snapshot, StoredForm};
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
        // serde's own message would quote the value, which belongs to the user.
        let text = RawValue::from_string(json);
        let text = text.map_err(|_| DecodeError::not_json(Some(&name)))?;
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
        Ok(Snapshot {
            data: Arc::new(data::decode_over_default(&self.texts)?),
            version,
            stored: Some(Arc::new(StoredForm::Revisions(self.revisions))),
        })
    }
}

impl<D: SessionData> NewRecord<D> {
    /// Encodes the data of a new record, and checks that it can be read back. Each field is stored
    /// with revision 1.
    ///
    /// # Errors
    /// If the data cannot be encoded, has more bytes than `max_size`, or would be read back as
    /// something else.
    pub fn fields(&self) -> Result<EncodedFields, EncodeError> {
        let fields = data::encode(&*self.data, Some(self.max_size))?;
        proof::check(&*self.data, &fields)?;
        Ok(fields)
    }

    /// The snapshot of the new record, stored with version 1 and these fields.
    #[must_use]
    pub fn into_snapshot(&self, fields: &EncodedFields) -> Snapshot<D> {
        let revisions = fields.keys().map(|name| (name.clone(), 1)).collect();
        Snapshot {
            data: self.data.clone(),
            version: 1,
            stored: Some(Arc::new(StoredForm::Revisions(revisions))),
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
    /// The fields that differ between the base and the new data, after a check that they can be read
    /// back. Without a base, the patch replaces all fields.
    ///
    /// # Errors
    /// If the data cannot be encoded, has more bytes than `max_size`, or would be read back as
    /// something else.
    pub fn patch(&self) -> Result<Patch, EncodeError> {
        let new = data::encode(&*self.data, Some(self.max_size))?;
        let Some(base) = &self.base else {
            proof::check(&*self.data, &new)?;
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
        if data::same_fields(&new, &old) {
            proof::check_same_text(&*self.data, &*base.data, &new)?;
        } else {
            proof::check(&*self.data, &new)?;
        }
        let revision = |name: &str| base.revisions()?.get(name).copied();
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

impl<D: SessionData> DataChange<D> {
    /// All fields after the change, for a store that writes whole records; `None` if no field differs
    /// from the base. Of the `stored` fields, those that the type does not know are kept. Without a
    /// base, the data alone remains. What is returned can be read back.
    ///
    /// # Errors
    /// If the data cannot be encoded, has more bytes than `max_size`, or would be read back as
    /// something else.
    pub fn fields_after<'a>(
        &self,
        stored: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<EncodedFields>, EncodeError> {
        let new = data::encode(&*self.data, Some(self.max_size))?;
        let Some(base) = &self.base else {
            proof::check(&*self.data, &new)?;
            return Ok(Some(new));
        };
        // Data with the same fingerprint is compared as text, as two values may share one by chance.
        let is_same = proof::fingerprints_agree(&*self.data, &*base.data)
            && data::same_fields(&new, &data::encode(&*base.data, None)?);
        if is_same {
            return Ok(None);
        }
        let mut unknown: Vec<_> = stored
            .filter(|(name, _)| !new.contains_key(*name))
            .collect();
        if !unknown.is_empty() {
            // Some may be fields of the type that are no longer written.
            let old = data::encode(&*base.data, None)?;
            unknown.retain(|(name, _)| !old.contains_key(*name));
        }
        self.with_unknown(new, &unknown).map(Some)
    }

    /// Adds the fields that the type does not know, and checks that the data can still be read back.
    fn with_unknown(
        &self,
        mut new: EncodedFields,
        unknown: &[(&str, &str)],
    ) -> Result<EncodedFields, EncodeError> {
        let names: Vec<&str> = unknown.iter().map(|(name, _)| *name).collect();
        for (name, text) in unknown {
            new.insert(
                (*name).to_owned(),
                RawValue::from_string((*text).to_owned())?,
            );
        }
        let checked = proof::check(&*self.data, &new);
        if checked.is_ok() || names.is_empty() {
            return checked.map(|()| new);
        }
        // The type reads at least one of them after all, as it does the old name of a renamed field that
        // is left out under its new name. Each is kept unless it changes what is read.
        let mut unknown = EncodedFields::new();
        for name in names {
            unknown.extend(new.remove_entry(name));
        }
        for (name, text) in unknown {
            new.insert(name.clone(), text);
            if proof::check(&*self.data, &new).is_err() {
                new.remove(&name);
            }
        }
        proof::check(&*self.data, &new)?;
        Ok(new)
    }
}

impl<D> DataChange<D> {
    /// The snapshot after a store that writes whole records has applied this change. `bytes` are all
    /// fields, as the store encodes them, if the change wrote any; then `version` is the new one.
    #[must_use]
    pub fn snapshot_with_bytes(&self, version: u64, bytes: Option<Vec<u8>>) -> Snapshot<D> {
        let data = self.data.clone();
        match (bytes, &self.base) {
            (None, Some(base)) => Snapshot {
                data,
                ..base.clone()
            },
            (bytes, _) => Snapshot::with_bytes(data, version, bytes.unwrap_or_default()),
        }
    }

    /// The snapshot after this change was applied as `patch` and raised the record to `version`,
    /// which is the revision of every written field.
    #[must_use]
    pub fn snapshot_after(&self, patch: &Patch, version: u64) -> Snapshot<D> {
        let mut revisions = (self.base.as_ref())
            .filter(|_| !patch.replace_all)
            .and_then(|base| base.revisions().cloned())
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
            stored: Some(Arc::new(StoredForm::Revisions(revisions))),
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
            stored: Some(Arc::new(StoredForm::Revisions(revisions))),
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
    fn a_whole_record_keeps_the_fields_that_the_type_does_not_know() {
        #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
        struct Cart {
            n: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<String>,
        }
        let stored = [("n", "1"), ("note", "\"x\""), ("of a newer version", "[2]")];
        let change = |n, note: Option<&str>, base| DataChange {
            base,
            data: Arc::new(Cart {
                n,
                note: note.map(str::to_owned),
            }),
            max_size: 1_000,
        };
        let base = Some(Snapshot {
            data: change(1, Some("x"), None).data,
            version: 1,
            stored: None,
        });
        let after = |change: &DataChange<Cart>| {
            let fields = change.fields_after(stored.into_iter()).expect("encodes");
            fields.map(|fields| serde_json::to_string(&fields).expect("encodes"))
        };
        assert_eq!(after(&change(1, Some("x"), base.clone())), None);
        let expected = r#"{"n":2,"of a newer version":[2]}"#;
        assert_eq!(after(&change(2, None, base)).as_deref(), Some(expected));
        let replaced = after(&change(2, None, None));
        assert_eq!(replaced.as_deref(), Some(r#"{"n":2}"#));
    }

    /// The fields after `data` has replaced what was read from `stored`.
    fn rewritten<D: SessionData>(
        stored: &[(&str, &str)],
        edit: impl Fn(&mut D),
    ) -> Result<Option<EncodedFields>, EncodeError> {
        let before: D = data::decode_fields(stored.iter().copied()).expect("decodes");
        let mut after = before.clone();
        edit(&mut after);
        let base = Snapshot {
            data: Arc::new(before),
            version: 1,
            stored: None,
        };
        let change = DataChange {
            base: Some(base),
            data: Arc::new(after),
            max_size: 1_000,
        };
        change.fields_after(stored.iter().copied())
    }

    #[test]
    fn the_old_name_of_a_field_is_kept_only_where_it_is_not_read() {
        #[derive(Clone, Default, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Renamed {
            #[serde(default, alias = "name", skip_serializing_if = "String::is_empty")]
            full_name: String,
            n: u8,
        }
        let stored = [("name", "\"Ada\""), ("n", "1"), ("unknown", "2")];
        let fields = |edit: fn(&mut Renamed)| {
            let fields = rewritten(&stored, edit)
                .expect("encodes")
                .expect("a change");
            let texts = fields.iter().map(|(name, text)| (&**name, text.get()));
            let read: Renamed = data::decode_fields(texts).expect("decodes");
            let names = fields.keys().map(String::as_str).collect::<Vec<_>>();
            (names.join(" "), read.full_name)
        };
        let kept = fields(|data| data.n = 2);
        assert_eq!(
            kept,
            ("full_name n name unknown".to_owned(), "Ada".to_owned())
        );
        let cleared = fields(|data| data.full_name.clear());
        assert_eq!(cleared, ("n unknown".to_owned(), String::new()));
    }

    #[test]
    fn what_cannot_be_read_back_is_not_encoded() {
        #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
        struct Data {
            n: u8,
            ratio: f64,
        }
        let data = Arc::new(Data {
            n: 1,
            ratio: f64::NAN,
        });
        let change = |base| DataChange {
            base,
            data: data.clone(),
            max_size: 1_000,
        };
        let base = Some(Snapshot {
            data: Arc::new(Data::default()),
            version: 1,
            stored: None,
        });
        let errors = [
            change(base.clone()).patch().map(drop),
            change(base.clone())
                .fields_after(std::iter::empty())
                .map(drop),
            change(None).patch().map(drop),
            change(None).fields_after(std::iter::empty()).map(drop),
        ];
        for error in errors {
            let error = error.expect_err("a NaN").to_string();
            assert!(
                error.contains("`ratio`") && error.contains("NaN"),
                "{error}"
            );
        }
        let unchanged = DataChange {
            base: Some(Snapshot {
                data: data.clone(),
                version: 1,
                stored: None,
            }),
            data: data.clone(),
            max_size: 1_000,
        };
        assert!(matches!(
            unchanged.fields_after(std::iter::empty()),
            Ok(None)
        ));
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
