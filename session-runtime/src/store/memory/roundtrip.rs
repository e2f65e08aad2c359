//! The check, in debug builds, that data survives being encoded and decoded.

use serde::ser::Error as _;
use serde_json::value::RawValue;

use crate::data::values::Values;
use crate::data::{self, EncodeError, SessionData};
use crate::printable;

/// Checks that a serializing store would return the data unchanged.
///
/// # Errors
/// If a field would be lost or changed; the error names it.
pub(super) fn check<D: SessionData>(data: &D) -> Result<(), EncodeError> {
    let stored = data::encode(data, None)?;
    let decoded = data::decode_over_default::<D>(&stored).map_err(|error| {
        let field = error.field().map_or("a field".to_owned(), named);
        lost(&field, &format!("is written but cannot be read: {error}"))
    })?;
    let again = data::encode(&decoded, None)?;
    for (name, text) in &stored {
        let problem = match again.get(name) {
            Some(other) if is_equivalent_text(text, other) => continue,
            Some(_) => "has another value after it is written and read again",
            None => "is written but not read",
        };
        return Err(lost(&named(name), problem));
    }
    match again.keys().find(|name| !stored.contains_key(*name)) {
        Some(name) => Err(lost(
            &named(name),
            "is not written but gets a value when read",
        )),
        None => Ok(()),
    }
}

fn named(field: &str) -> String {
    format!("the field `{}`", printable::name(field))
}

fn lost(field: &str, problem: &str) -> EncodeError {
    EncodeError::Json(serde_json::Error::custom(format!(
        "{field} {problem}; a server store would lose it"
    )))
}

/// Whether two values are equal except for the order of lists: a set has no order.
fn is_equivalent_text(a: &RawValue, b: &RawValue) -> bool {
    let mut values = Values::unordered();
    data::same_value(a, b)
        || matches!((values.read(a.get()), values.read(b.get())), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test reports by panicking")]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde::{Deserialize, Serialize};

    use super::*;

    fn error<D: SessionData>(data: &D) -> String {
        check(data).expect_err("does not survive").to_string()
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
        check(&data).expect("survives");
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
        assert!(check(&vec![1_u32]).is_err());
    }
}
