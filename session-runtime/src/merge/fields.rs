//! The merge of what no rule is declared for: encoded fields, compared as values.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::data;

/// The merge of three versions; `None` if the fields do not go together.
pub(super) fn merge<D: data::SessionData>(
    loaded: &D,
    mine: &D,
    theirs: &D,
    by_key: bool,
    overwrote: &mut Vec<String>,
) -> Option<D> {
    let loaded = data::encode(loaded, None).ok()?;
    let mine = data::encode(mine, None).ok()?;
    let mut result = data::encode(theirs, None).ok()?;
    let names: BTreeSet<_> = loaded.keys().chain(mine.keys()).cloned().collect();
    for name in names {
        let (base, ours, other) = (loaded.get(&name), mine.get(&name), result.get(&name));
        if same(base, ours) {
            continue;
        }
        let merged = if same(base, other) {
            ours.cloned()
        } else if let Ok(merged) = both_texts(base, ours, other, by_key) {
            merged
                .map(|value| RawValue::from_string(value.to_string()))
                .transpose()
                .ok()?
        } else {
            overwrote.push(name.clone());
            ours.cloned()
        };
        match merged {
            Some(text) => result.insert(name, text),
            None => result.remove(&name),
        };
    }
    data::decode(&result).ok()
}

type Text = Box<RawValue>;

fn same(a: Option<&Text>, b: Option<&Text>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => data::same_value(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Only one of two changes can be kept.
#[derive(Debug, PartialEq)]
struct OnlyOne;

fn both_texts(
    loaded: Option<&Text>,
    mine: Option<&Text>,
    theirs: Option<&Text>,
    by_key: bool,
) -> Result<Option<Value>, OnlyOne> {
    let parse = |text: Option<&Text>| {
        text.map(|text| serde_json::from_str(text.get()))
            .transpose()
            .map_err(|_| OnlyOne)
    };
    let (loaded, mine, theirs): (Option<Value>, _, _) =
        (parse(loaded)?, parse(mine)?, parse(theirs)?);
    both(loaded.as_ref(), mine.as_ref(), theirs.as_ref(), by_key)
}

/// Both changes of one value, if it says how: a list to which one side only appended, and in
/// untyped data an object, key by key. `None` if there is no value any more.
///
/// Equal changes are two changes: of two requests that each count from 1 to 2, one is lost.
fn both(
    loaded: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
    by_key: bool,
) -> Result<Option<Value>, OnlyOne> {
    if loaded == mine {
        return Ok(theirs.cloned());
    }
    if loaded == theirs {
        return Ok(mine.cloned());
    }
    match (loaded, mine, theirs) {
        (None | Some(Value::Array(_)), Some(Value::Array(mine)), Some(Value::Array(theirs))) => {
            let loaded = loaded
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            let list = match (mine.strip_prefix(loaded), theirs.strip_prefix(loaded)) {
                (Some(suffix), _) => [theirs, suffix].concat(),
                (None, Some(suffix)) => [mine, suffix].concat(),
                (None, None) => return Err(OnlyOne),
            };
            Ok(Some(Value::Array(list)))
        }
        (None | Some(Value::Object(_)), Some(Value::Object(mine)), Some(Value::Object(theirs)))
            if by_key =>
        {
            let none = Map::new();
            let loaded = loaded.and_then(Value::as_object).unwrap_or(&none);
            let mut result = theirs.clone();
            let names: BTreeSet<_> = loaded.keys().chain(mine.keys()).collect();
            for name in names {
                match both(loaded.get(name), mine.get(name), theirs.get(name), by_key)? {
                    Some(value) => result.insert(name.clone(), value),
                    None => result.remove(name),
                };
            }
            Ok(Some(Value::Object(result)))
        }
        (_, None, None) => Ok(None),
        _ => Err(OnlyOne),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(loaded: &Value, mine: &Value, theirs: &Value) -> Result<Value, OnlyOne> {
        both(Some(loaded), Some(mine), Some(theirs), true).map(Option::unwrap_or_default)
    }

    #[test]
    fn a_list_keeps_what_one_side_appended_whatever_the_other_did() {
        let loaded = json!([1, 2, 3]);
        assert_eq!(
            merged(&loaded, &json!([1, 3]), &json!([1, 2, 3, 4])),
            Ok(json!([1, 3, 4]))
        );
        assert_eq!(
            merged(&loaded, &json!([1, 2, 3, 4]), &json!([])),
            Ok(json!([4]))
        );
        assert_eq!(
            merged(&loaded, &json!([1, 2, 3, 4]), &json!([1, 2, 3, 4])),
            Ok(json!([1, 2, 3, 4, 4]))
        );
        assert_eq!(
            merged(&loaded, &json!([1]), &json!([3])),
            Err(OnlyOne),
            "nobody knows"
        );
        assert_eq!(
            merged(&loaded, &json!([1]), &json!([1])),
            Err(OnlyOne),
            "each may have meant another one"
        );
    }

    #[test]
    fn an_object_merges_key_by_key_at_any_depth() {
        let loaded = json!({ "a": { "x": 1, "list": [] }, "b": 1 });
        let mine = json!({ "a": { "x": 1, "list": [1] }, "c": [1] });
        let theirs = json!({ "a": { "x": 2, "list": [2] }, "b": 1, "c": [2] });
        let expected = json!({ "a": { "x": 2, "list": [2, 1] }, "c": [2, 1] });
        assert_eq!(merged(&loaded, &mine, &theirs), Ok(expected));
        let (mine, theirs) = (json!({ "a": 1 }), json!({ "a": 2 }));
        assert_eq!(
            merged(&json!({}), &mine, &theirs),
            Err(OnlyOne),
            "one key, two values"
        );
        assert_eq!(
            both(Some(&json!({})), Some(&mine), Some(&theirs), false),
            Err(OnlyOne),
            "opaque unless by key"
        );
    }

    #[test]
    fn two_equal_counts_are_two_changes() {
        assert_eq!(merged(&json!(1), &json!(2), &json!(2)), Err(OnlyOne));
    }

    #[test]
    fn removed_on_one_side_and_changed_on_the_other_is_a_conflict() {
        assert_eq!(
            both(Some(&json!(1)), None, Some(&json!(2)), true),
            Err(OnlyOne)
        );
        assert_eq!(both(Some(&json!(1)), None, None, true), Ok(None));
    }
}
