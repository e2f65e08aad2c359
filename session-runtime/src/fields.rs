//! Session data as the fields of a record, as serializing stores keep and change it.

use serde_json::value::RawValue;

use crate::data::{self, DataFormat, EncodeError, EncodedFields, SessionData, proof};
use crate::record::{DataChange, NewRecord, Snapshot};

impl<D: SessionData> NewRecord<D> {
    /// Encodes the data of a new record, and checks that it can be read back.
    ///
    /// # Errors
    /// If the data cannot be encoded, has more bytes than `max_size`, or would be read back as
    /// something else.
    pub fn fields(&self) -> Result<EncodedFields, EncodeError> {
        let fields = data::encode(&*self.data, Some(self.max_size))?;
        proof::check(&*self.data, &fields)?;
        self.format.seal(fields)
    }
}

impl<D: SessionData> DataChange<D> {
    /// All fields after the change; `None` if no field differs from the base. Of the `stored` fields, those
    /// that the type does not know are kept. Without a base, the data alone remains. What is returned can be
    /// read back. `format` is that of the change.
    ///
    /// # Errors
    /// If the data cannot be encoded, has more bytes than `max_size`, or would be read back as
    /// something else.
    pub fn fields_after<'a>(
        &self,
        stored: impl Iterator<Item = (&'a str, &'a str)>,
        format: &DataFormat,
    ) -> Result<Option<EncodedFields>, EncodeError> {
        let new = data::encode(&*self.data, Some(self.max_size))?;
        let Some(base) = &self.base else {
            proof::check(&*self.data, &new)?;
            return format.seal(new).map(Some);
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
        let opened = format.open(unknown.iter().copied())?;
        let unknown = opened
            .as_ref()
            .map_or(unknown, |opened| data::texts(opened).collect());
        format.seal(self.with_unknown(new, &unknown)?).map(Some)
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
    /// The snapshot after a serializing store has applied this change. `bytes` are those of
    /// [`Snapshot::with_bytes`], if the change wrote fields; then `version` is the new one.
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
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::untyped::Untyped;

    fn untyped(json: &str) -> Arc<Untyped> {
        Arc::new(serde_json::from_str(json).expect("an object"))
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
            let fields = change
                .fields_after(stored.into_iter(), &DataFormat::FIRST)
                .expect("encodes");
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
        change.fields_after(stored.iter().copied(), &DataFormat::FIRST)
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
            change(base).fields_after(std::iter::empty(), &DataFormat::FIRST),
            change(None).fields_after(std::iter::empty(), &DataFormat::FIRST),
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
            unchanged.fields_after(std::iter::empty(), &DataFormat::FIRST),
            Ok(None)
        ));
    }

    #[test]
    fn data_of_which_only_the_order_of_keys_changed_is_the_same() {
        let change = DataChange {
            base: Some(Snapshot {
                data: untyped(r#"{"a":{"x":1,"y":2}}"#),
                version: 1,
                stored: None,
            }),
            data: untyped(r#"{"a":{"y":2,"x":1}}"#),
            max_size: 1_000,
        };
        assert!(matches!(
            change.fields_after(std::iter::empty(), &DataFormat::FIRST),
            Ok(None)
        ));
    }
}
