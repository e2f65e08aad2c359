//! Checks the limits of live data: the nesting depth, and the number of fields.
//!
//! A serializer that writes nothing walks through the data, and stops at the limit, so it never
//! recurses deeper. If the type alone determines the depth, the compiler removes everything but the
//! iteration over lists.

mod top;
mod walk;

use serde::Serialize;

use self::top::Top;
pub(super) use self::walk::RAW_VALUE;
use super::{EncodeError, MAX_DEPTH};
use crate::printable;

/// Why a walk ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The values are nested too deep.
    TooDeep,
    /// The data has no encoded form. The check ignores this; the encoder reports it.
    Unencodable,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooDeep => "nested too deep",
            Self::Unencodable => "not encodable",
        })
    }
}

impl std::error::Error for Stop {}

impl serde::ser::Error for Stop {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Unencodable
    }
}

/// The fields that the walk has visited.
#[derive(Debug, Default)]
struct Seen {
    /// Their number.
    fields: u64,
    /// The name of the field in which the walk ended early.
    deep: Option<String>,
}

/// Checks that every field is nested no deeper than [`MAX_DEPTH`], and that there are no more than
/// `max_fields`.
///
/// # Errors
/// [`EncodeError::TooDeep`] or [`EncodeError::TooManyFields`].
pub(crate) fn check<D: Serialize>(data: &D, max_fields: u64) -> Result<(), EncodeError> {
    let mut seen = Seen::default();
    let walked = data.serialize(Top(&mut seen));
    if walked == Err(Stop::TooDeep) {
        return Err(EncodeError::TooDeep {
            field: printable::name(&seen.deep.unwrap_or_default()),
            limit: MAX_DEPTH,
        });
    }
    if seen.fields > max_fields {
        return Err(EncodeError::TooManyFields {
            fields: seen.fields,
            limit: max_fields,
        });
    }
    Ok(())
}

/// Checks the depth of one value, for a field of this name.
///
/// # Errors
/// [`EncodeError::TooDeep`].
pub(crate) fn check_value<T: Serialize>(name: &str, value: &T) -> Result<(), EncodeError> {
    if value.serialize(walk::Walk::of_field()) == Err(Stop::TooDeep) {
        return Err(EncodeError::TooDeep {
            field: printable::name(name),
            limit: MAX_DEPTH,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::data::depth;

    /// An enum with every form that serde has for a variant.
    #[derive(Clone, Debug, Serialize)]
    enum Shape {
        Unit,
        Newtype(Box<Shape>),
        Tuple(u8, Box<Shape>),
        Fields { inner: Option<Box<Shape>> },
        Value(Value),
    }

    #[derive(Serialize)]
    struct Whole<T> {
        small: (u8, &'static str),
        value: T,
    }

    /// The field that is too deep, if one is.
    fn deep<D: Serialize>(data: &D) -> Option<String> {
        match check(data, 1_000) {
            Err(EncodeError::TooDeep { field, .. }) => Some(field),
            Ok(()) => None,
            Err(other) => panic!("{other}"),
        }
    }

    fn nested(levels: usize, leaf: Value) -> Value {
        (0..levels).fold(leaf, |inner, _| Value::Array(vec![inner]))
    }

    fn raw(levels: usize) -> Box<RawValue> {
        let text = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        RawValue::from_string(text).expect("JSON")
    }

    #[test]
    fn the_error_names_the_field() {
        let whole = |value| Whole {
            small: (1, "[["),
            value,
        };
        assert_eq!(deep(&whole(nested(126, json!(1)))), None);
        assert_eq!(
            deep(&whole(nested(127, json!(1)))).as_deref(),
            Some("value")
        );
        let map = |levels| {
            BTreeMap::from([
                ("a", nested(3, json!(1))),
                ("b\n", nested(levels, json!({}))),
            ])
        };
        assert_eq!(deep(&map(125)), None);
        assert_eq!(deep(&map(126)).as_deref(), Some(r"b\n"));
    }

    #[test]
    fn raw_json_counts_like_other_values() {
        let whole = |value: Box<RawValue>| Whole {
            small: (1, ""),
            value,
        };
        assert_eq!(deep(&whole(raw(126))), None);
        assert_eq!(deep(&whole(raw(127))).as_deref(), Some("value"));
        assert_eq!(deep(&whole(raw(200_000))).as_deref(), Some("value"));
        let inside = |levels| Whole {
            small: (1, ""),
            value: vec![Some(raw(levels))],
        };
        assert_eq!(deep(&inside(125)), None);
        assert_eq!(deep(&inside(126)).as_deref(), Some("value"));
    }

    #[test]
    fn fields_of_flattened_parts_count_like_others() {
        #[derive(Serialize)]
        struct Flat {
            own: u8,
            #[serde(flatten)]
            rest: BTreeMap<String, Value>,
        }
        let flat = |fields: usize, levels| Flat {
            own: 1,
            rest: (0..fields)
                .map(|at| (format!("k{at}"), nested(levels, json!(1))))
                .collect(),
        };
        assert!(check(&flat(9, 126), 10).is_ok());
        assert!(matches!(
            check(&flat(10, 126), 10),
            Err(EncodeError::TooManyFields {
                fields: 11,
                limit: 10
            })
        ));
        assert_eq!(deep(&flat(1, 127)).as_deref(), Some("k0"));
    }

    #[test]
    fn a_single_value_may_be_as_deep_as_a_field() {
        assert!(check_value("a", &nested(126, json!(1))).is_ok());
        assert!(check_value("a", &nested(127, json!(1))).is_err());
        assert!(check_value("a", &raw(200_000)).is_err());
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Unit),
            Just(Shape::Fields { inner: None }),
            (0..5_usize).prop_map(|levels| Shape::Value(nested(levels, json!({ "a": 1.5 })))),
        ];
        leaf.prop_recursive(140, 150, 1, |inner| {
            prop_oneof![
                inner
                    .clone()
                    .prop_map(|inner| Shape::Newtype(Box::new(inner))),
                inner
                    .clone()
                    .prop_map(|inner| Shape::Tuple(1, Box::new(inner))),
                inner.prop_map(|inner| Shape::Fields {
                    inner: Some(Box::new(inner))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_walk_counts_the_levels_of_the_text(value in shape()) {
            let whole = Whole { small: (1, "["), value };
            let text = serde_json::to_string(&whole).expect("JSON");
            prop_assert_eq!(deep(&whole).is_some(), depth(&text) > MAX_DEPTH + 1);
        }
    }
}
