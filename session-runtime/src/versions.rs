//! Reads stored data of the current version of a program, or of another one.

use std::sync::Arc;

use crate::data::{
    DataFormat, DecodeError, EncodedFields, Fields, SessionData, decode_fields, texts,
};
use crate::store::StoreError;

/// Data that was read, and its fields if a migration has changed them.
#[derive(Debug)]
pub struct Versioned<D> {
    /// The data.
    pub data: Arc<D>,
    /// All fields after the migration. A change is based on these instead of the stored ones, so that
    /// the first change writes all of them.
    pub migrated: Option<EncodedFields>,
}

impl DataFormat {
    /// Decodes stored fields, which a program wrote under `version`, after bringing them to the current
    /// version.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`], or [`StoreError::NewerData`] if data of a later version does not
    /// decode.
    pub fn decode<'a, D: SessionData>(
        &self,
        stored: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        version: u32,
    ) -> Result<Versioned<D>, StoreError> {
        let Some(opened) = self.open(stored.clone())? else {
            return self.decode_opened(stored, version);
        };
        let mut read = self.decode_opened(texts(&opened), version)?;
        if let Some(migrated) = read.migrated {
            read.migrated = Some(self.seal(migrated)?);
        }
        Ok(read)
    }

    /// Like [`decode`](Self::decode), for fields that are not sealed.
    fn decode_opened<'a, D: SessionData>(
        &self,
        stored: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        version: u32,
    ) -> Result<Versioned<D>, StoreError> {
        let migrate = self.migrate.filter(|_| version < self.current);
        let Some(migrate) = migrate else {
            return match decode_fields(stored) {
                Ok(data) => Ok(Versioned {
                    data: Arc::new(data),
                    migrated: None,
                }),
                Err(_) if version > self.current => Err(self.newer(version)),
                Err(error) => Err(error.into()),
            };
        };
        let mut fields = Fields::parse(stored)?;
        // The function's error may quote a value.
        migrate(version, &mut fields).map_err(|_| DecodeError::not_migrated())?;
        let fields = fields.into_encoded();
        Ok(Versioned {
            data: Arc::new(decode_fields(texts(&fields))?),
            migrated: Some(fields),
        })
    }

    /// Whether data may be written into a record whose data has this version.
    ///
    /// # Errors
    /// [`StoreError::NewerData`] if a newer version of the program wrote it.
    pub fn check_writable(&self, version: u32) -> Result<(), StoreError> {
        if version > self.current {
            return Err(self.newer(version));
        }
        Ok(())
    }

    fn newer(&self, version: u32) -> StoreError {
        StoreError::NewerData {
            version,
            current: self.current,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Data {
        full_name: String,
        n: u8,
    }

    fn migrate(
        from: u32,
        fields: &mut Fields,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if from == 1 && !fields.rename("name", "full_name") {
            return Err("no name for hunter2".into());
        }
        Ok(())
    }

    const SECOND: DataFormat = DataFormat::new(2, 2, Some(migrate));

    #[test]
    fn only_earlier_data_is_migrated() {
        let old = [("name", r#""Ada""#), ("n", "1"), ("other", "2")];
        let read = SECOND.decode::<Data>(old.into_iter(), 1).expect("decodes");
        assert_eq!(read.data.full_name, "Ada");
        let fields = read.migrated.expect("migrated");
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["full_name", "n", "other"]);
        let new = [("full_name", r#""Ada""#), ("n", "1")];
        for version in [2, 3] {
            let read = SECOND
                .decode::<Data>(new.into_iter(), version)
                .expect("decodes");
            assert_eq!(
                (&*read.data.full_name, read.migrated.is_none()),
                ("Ada", true)
            );
        }
    }

    #[test]
    fn a_failed_migration_and_newer_data_are_told_apart() {
        let failed = SECOND.decode::<Data>([("n", "1")].into_iter(), 1);
        let failed = failed.expect_err("no name");
        assert!(failed.is_replaceable(), "{failed}");
        assert!(!format!("{failed:?}").contains("hunter2"), "{failed:?}");
        // A damaged field does not get its default, with which the next change would replace it.
        let damaged = [("name", r#""Ada""#), ("n", "{")];
        let damaged = SECOND.decode::<Data>(damaged.into_iter(), 1);
        assert!(damaged.is_err_and(|error| error.is_replaceable()));
        let newer = SECOND.decode::<Data>([("n", "\"x\"")].into_iter(), 3);
        assert!(matches!(
            newer,
            Err(StoreError::NewerData {
                version: 3,
                current: 2
            })
        ));
        assert!(SECOND.check_writable(3).is_err() && SECOND.check_writable(1).is_ok());
    }
}
