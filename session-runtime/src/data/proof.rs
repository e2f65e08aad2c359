//! The proof that data can be read back from its encoded form, before it is stored.
//!
//! The fields are decoded as a load decodes them, and compared with the data: first with the order of
//! lists, then, because a set has none, without. What a type does not serialize is not compared.

use super::fingerprint::{FieldPrint, fingerprint, of_fields};
use super::{EncodeError, EncodedFields, SessionData, decode_over_default, encode};
use crate::printable;

/// Encodes data, and checks that it can be read back.
///
/// # Errors
/// [`EncodeError::NotReadBack`], or why the data cannot be encoded.
pub(crate) fn check_data<D: SessionData>(data: &D) -> Result<(), EncodeError> {
    check(data, &encode(data, None)?)
}

/// Checks that `stored`, which contains the encoded fields of `data`, is read back as `data`.
///
/// # Errors
/// [`EncodeError::NotReadBack`], which names the field.
pub(crate) fn check<D: SessionData>(data: &D, stored: &EncodedFields) -> Result<(), EncodeError> {
    let decoded: D = match decode_over_default(stored) {
        Ok(decoded) => decoded,
        Err(error) => {
            let field = error
                .field()
                .map(str::to_owned)
                .or_else(|| non_finite(data));
            let fix = if error.is_missing_field() {
                "; add `#[serde(default)]`"
            } else {
                ""
            };
            return Err(not_read_back(
                field,
                format!("cannot be read back: {error}{fix}"),
                data,
            ));
        }
    };
    if fingerprint(data) == fingerprint(&decoded) {
        return Ok(());
    }
    compare(data, &decoded)
}

/// Whether two values pass the same to a serializer, most likely; if not, they differ.
pub(crate) fn fingerprints_agree<D: SessionData>(a: &D, b: &D) -> bool {
    fingerprint(a) == fingerprint(b)
}

/// Compares data whose fingerprints differ, field by field.
#[cold]
fn compare<D: SessionData>(data: &D, decoded: &D) -> Result<(), EncodeError> {
    let (mut written, mut read) = (of_fields(data), of_fields(decoded));
    written.sort_unstable();
    read.sort_unstable();
    if written == read {
        return Ok(());
    }
    let named = |fields: &[FieldPrint], name: &str| fields.iter().any(|field| field.name == name);
    let (field, problem) = if let Some(field) = written.iter().find(|field| !read.contains(field)) {
        let is_read = named(&read, &field.name);
        let problem = if is_read {
            "has another value when it is read back"
        } else {
            "is written, but has no value when it is read back"
        };
        (field, problem)
    } else if let Some(field) = read.iter().find(|field| !written.contains(field)) {
        let problem = "is not written, but has a value when it is read back; write it always, or give it \
                       `#[serde(default)]`";
        (field, problem)
    } else {
        // Only the number of equal fields differs.
        return Err(not_read_back(
            None,
            "has another value when it is read back".to_owned(),
            data,
        ));
    };
    Err(not_read_back(
        Some(printable::name(&field.name)),
        problem.to_owned(),
        data,
    ))
}

/// The first field with a number that JSON cannot express.
fn non_finite<D: SessionData>(data: &D) -> Option<String> {
    let fields = of_fields(data);
    let field = fields.iter().find(|field| field.is_non_finite)?;
    Some(printable::name(&field.name))
}

fn not_read_back<D: SessionData>(
    field: Option<String>,
    mut problem: String,
    data: &D,
) -> EncodeError {
    let is_non_finite = (of_fields(data).iter())
        .any(|of| of.is_non_finite && field.as_ref() == Some(&printable::name(&of.name)));
    if is_non_finite {
        problem += "; it contains a NaN or an infinity, which JSON does not have";
    }
    EncodeError::NotReadBack { field, problem }
}

#[cfg(test)]
#[allow(
    clippy::expect_used,
    clippy::option_option,
    reason = "a test reports by panicking, and these are the types that it is about"
)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde::{Deserialize, Serialize};

    use super::*;

    fn error<D: SessionData>(data: &D) -> String {
        check_data(data).expect_err("does not survive").to_string()
    }

    #[test]
    fn unordered_sets_and_floats_survive() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            tags: HashSet<String>,
            prefs: HashMap<String, Vec<f64>>,
            seen: HashSet<u32>,
            ratio: f64,
            single: f32,
            flags: Vec<bool>,
            note: Option<String>,
        }
        let names = (0..50).map(|at| format!("name {at}"));
        let data = Data {
            tags: names.clone().collect(),
            prefs: names
                .map(|name| (name, vec![0.1 + 0.2, 1e300, -0.0]))
                .collect(),
            seen: (0..200_000).collect(),
            ratio: 2.0_f64.sqrt() / 3.0,
            single: 0.1,
            flags: vec![false, true, false],
            note: None,
        };
        check_data(&data).expect("survives");
    }

    #[test]
    fn the_error_names_a_field_that_is_not_written() {
        #[derive(Clone, Serialize, Deserialize)]
        struct Data {
            #[serde(skip_serializing_if = "String::is_empty")]
            coupon: String,
        }
        impl Default for Data {
            fn default() -> Self {
                let coupon = "new customer".to_owned();
                Self { coupon }
            }
        }
        let used = Data {
            coupon: String::new(),
        };
        assert!(error(&used).contains("`coupon`"));
    }

    #[test]
    fn the_error_names_a_field_that_is_not_read() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            kept: u32,
            #[serde(skip_deserializing)]
            lost: u32,
        }
        assert!(error(&Data { kept: 1, lost: 2 }).contains("`lost`"));
    }

    #[test]
    fn the_error_names_a_field_that_cannot_be_read() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            fine: u32,
            not_a_number: f64,
        }
        let data = Data {
            fine: 1,
            not_a_number: f64::NAN,
        };
        assert!(error(&data).contains("`not_a_number`"));
    }

    #[test]
    fn data_that_is_not_an_object_is_refused() {
        assert!(check_data(&vec![1_u32]).is_err());
    }

    /// Checks that data with this part is refused, and that the error names the field.
    fn is_refused<T>(part: T) -> String
    where
        T: Clone + Default + Send + Sync + Serialize + serde::de::DeserializeOwned + 'static,
    {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data<T> {
            fine: u32,
            part: T,
        }
        let error = error(&Data { fine: 1, part });
        assert!(error.contains("the field `part`"), "{error}");
        error
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Small(u8),
        Large(u64),
        Short {
            name: String,
        },
        Long {
            name: String,
            #[serde(default)]
            age: u8,
        },
        Float(f64),
    }

    impl Default for Untagged {
        fn default() -> Self {
            Self::Small(0)
        }
    }

    #[test]
    fn an_untagged_enum_that_comes_back_as_another_variant_is_refused() {
        is_refused(Untagged::Large(5));
        is_refused(Untagged::Long {
            name: String::new(),
            age: 0,
        });
        is_refused(vec![Untagged::Small(1), Untagged::Large(1)]);
        is_refused(Untagged::Float(f64::NAN));
    }

    #[test]
    fn values_with_the_same_text_are_told_apart() {
        is_refused(Some(None::<u8>));
        is_refused(Some(()));
        is_refused(Some(f32::NAN));
        is_refused(vec![None, Some(f64::INFINITY)]);
        is_refused(Some(serde_json::Value::Null));
    }

    #[test]
    fn a_field_of_a_flattened_part_is_named() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Inner {
            ratio: f64,
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Big {
            number: u128,
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            fine: u32,
            #[serde(flatten)]
            inner: Inner,
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Wide {
            fine: u32,
            #[serde(flatten)]
            big: Big,
        }
        let data = Data {
            inner: Inner { ratio: f64::NAN },
            ..Data::default()
        };
        assert!(error(&data).contains("`ratio`"), "{}", error(&data));
        let data = Wide {
            big: Big { number: u128::MAX },
            ..Wide::default()
        };
        assert!(error(&data).contains("128-bit"), "{}", error(&data));
    }

    #[test]
    fn a_flattened_enum_that_comes_back_as_another_variant_is_refused() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            fine: u32,
            #[serde(flatten)]
            part: Option<Part>,
        }
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(untagged)]
        enum Part {
            Ratio {
                ratio: f64,
            },
            Named {
                name: String,
                #[serde(default)]
                age: u8,
            },
            OnlyNamed {
                name: String,
            },
        }
        let with = |part| Data {
            fine: 1,
            part: Some(part),
        };
        let name = || "Ada".to_owned();
        check_data(&with(Part::Named {
            name: name(),
            age: 1,
        }))
        .expect("survives");
        let other = error(&with(Part::OnlyNamed { name: name() }));
        assert!(other.contains("`age`"), "{other}");
        let nan = error(&with(Part::Ratio { ratio: f64::NAN }));
        assert!(nan.contains("`ratio`"), "{nan}");
    }

    #[test]
    fn a_type_that_reads_what_it_writes_is_accepted() {
        fn some<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<u8>>, D::Error> {
            Option::deserialize(d).map(Some)
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            #[serde(
                default,
                skip_serializing_if = "Option::is_none",
                deserialize_with = "some"
            )]
            twice: Option<Option<u8>>,
            #[serde(skip)]
            _cache: u32,
            value: serde_json::Value,
            order: Vec<HashSet<(u8, String)>>,
        }
        for twice in [None, Some(None), Some(Some(1))] {
            let data = Data {
                twice,
                _cache: 7,
                value: serde_json::json!([null, 1, -1, 0.5, { "b": [], "a": {} }]),
                order: vec![(0..50).map(|at| (at, at.to_string())).collect(); 3],
            };
            check_data(&data).expect("survives");
        }
    }
}
