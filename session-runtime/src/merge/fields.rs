//! The merge of what no rule is declared for: encoded fields, compared as values.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::data::{self, list, object, same_value};

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
        let mut lost = false;
        let (base, ours, other) = (loaded.get(&name), mine.get(&name), result.get(&name));
        let merged = both(base, ours, other, by_key, &mut lost);
        if lost {
            overwrote.push(name.clone());
        }
        match merged {
            Some(text) => result.insert(name, text),
            None => result.remove(&name),
        };
    }
    data::decode_over_default(&result).ok()
}

type Text = Box<RawValue>;

fn same(a: Option<&Text>, b: Option<&Text>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_value(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Both changes of one value, if it says how: a list to which one side only appended, and in
/// untyped data an object, key by key. Else mine, and theirs is `lost`.
///
/// Equal changes are two changes: of two requests that each count from 1 to 2, one is lost.
fn both(
    loaded: Option<&Text>,
    mine: Option<&Text>,
    theirs: Option<&Text>,
    by_key: bool,
    lost: &mut bool,
) -> Option<Text> {
    if same(loaded, mine) {
        return theirs.cloned();
    }
    if same(loaded, theirs) {
        return mine.cloned();
    }
    let (Some(ours), Some(other)) = (mine, theirs) else {
        *lost |= mine.is_some() || theirs.is_some();
        return mine.cloned();
    };
    // A value that was not there counts as an empty one of its kind.
    let merged = match loaded {
        None => lists(Some(Vec::new()), list(ours), list(other)),
        Some(loaded) => lists(list(loaded), list(ours), list(other)),
    };
    if merged.is_some() {
        return merged;
    }
    let loaded = loaded.map_or(Some(BTreeMap::new()), |loaded| object(loaded));
    if let (true, Some(loaded), Some(ours), Some(mut result)) =
        (by_key, loaded, object(ours), object(other))
    {
        let names: BTreeSet<_> = loaded.keys().chain(ours.keys()).collect();
        for name in names {
            let (base, mine, theirs) = (loaded.get(name), ours.get(name), result.get(name));
            match both(base, mine, theirs, by_key, lost) {
                Some(value) => result.insert(name.clone(), value),
                None => result.remove(name),
            };
        }
        return raw(&result).or_else(|| mine.cloned());
    }
    *lost = true;
    mine.cloned()
}

/// What one side appended, after what the other side made of the list.
fn lists(
    loaded: Option<Vec<Text>>,
    mine: Option<Vec<Text>>,
    theirs: Option<Vec<Text>>,
) -> Option<Text> {
    let (loaded, mine, theirs) = (loaded?, mine?, theirs?);
    let suffix = |list: &[Text]| {
        let (begin, rest) = list.split_at_checked(loaded.len())?;
        let same = begin.iter().zip(&loaded).all(|(a, b)| same_value(a, b));
        same.then(|| rest.to_vec())
    };
    let list = match (suffix(&mine), suffix(&theirs)) {
        (Some(more), _) => [theirs, more].concat(),
        (None, Some(more)) => [mine, more].concat(),
        (None, None) => return None,
    };
    raw(&list)
}

fn raw<T: Serialize>(value: &T) -> Option<Text> {
    to_raw_value(value).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of three values, and whether one change is lost.
    fn merged(loaded: &Value, mine: &Value, theirs: &Value) -> (Value, bool) {
        let text = |value: &Value| raw(value);
        let mut lost = false;
        let result = both(
            text(loaded).as_ref(),
            text(mine).as_ref(),
            text(theirs).as_ref(),
            true,
            &mut lost,
        );
        (
            result.map_or(Value::Null, |text| {
                serde_json::from_str(text.get()).expect("JSON")
            }),
            lost,
        )
    }

    #[test]
    fn a_list_keeps_what_one_side_appended_whatever_the_other_did() {
        let loaded = json!([1, 2, 3]);
        let kept = |mine: &Value, theirs: &Value| merged(&loaded, mine, theirs);
        assert_eq!(
            kept(&json!([1, 3]), &json!([1, 2, 3, 4])),
            (json!([1, 3, 4]), false)
        );
        assert_eq!(kept(&json!([1, 2, 3, 4]), &json!([])), (json!([4]), false));
        let both_appended = kept(&json!([1, 2, 3, 4]), &json!([1, 2, 3, 4]));
        assert_eq!(both_appended, (json!([1, 2, 3, 4, 4]), false));
        assert_eq!(
            kept(&json!([1]), &json!([3])),
            (json!([1]), true),
            "nobody knows"
        );
        assert_eq!(
            kept(&json!([1]), &json!([1])),
            (json!([1]), true),
            "each may have meant another"
        );
    }

    #[test]
    fn an_object_merges_key_by_key_at_any_depth() {
        let loaded = json!({ "a": { "x": 1, "list": [] }, "b": 1 });
        let mine = json!({ "a": { "x": 1, "list": [1] }, "c": [1] });
        let theirs = json!({ "a": { "x": 2, "list": [2] }, "b": 1, "c": [2] });
        let expected = json!({ "a": { "x": 2, "list": [2, 1] }, "c": [2, 1] });
        assert_eq!(merged(&loaded, &mine, &theirs), (expected, false));
        let mine = json!({ "theme": "b", "lang": "en" });
        let theirs = json!({ "theme": "c", "lang": "fr", "new": true });
        let expected = json!({ "theme": "b", "lang": "fr", "new": true });
        let loaded = json!({ "theme": "a", "lang": "en" });
        assert_eq!(
            merged(&loaded, &mine, &theirs),
            (expected, true),
            "one key is lost, no other"
        );
    }

    #[test]
    fn two_equal_counts_are_two_changes() {
        assert_eq!(merged(&json!(1), &json!(2), &json!(2)), (json!(2), true));
    }

    #[test]
    fn removed_on_one_side_and_changed_on_the_other_is_a_conflict() {
        let (one, two) = (raw(&1), raw(&2));
        let mut lost = false;
        assert!(both(one.as_ref(), None, two.as_ref(), true, &mut lost).is_none() && lost);
        let mut lost = false;
        assert!(both(one.as_ref(), None, None, true, &mut lost).is_none() && !lost);
    }
}
