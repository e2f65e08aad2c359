//! The merge of what no rule is declared for: encoded fields, compared as values.

use std::borrow::Cow;
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
    overwritten: &mut Vec<String>,
) -> Option<D> {
    let texts = [raw(loaded)?, raw(mine)?, raw(theirs)?];
    let [loaded, ours, other] = [object(&texts[0])?, object(&texts[1])?, object(&texts[2])?];
    let mut result = BTreeMap::new();
    let mut is_mine = true;
    let names: BTreeSet<_> = [&loaded, &ours, &other]
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    for name in names {
        let mut lost = false;
        let own = ours.get(name).copied();
        let merged = merge_value(
            loaded.get(name).copied(),
            own,
            other.get(name).copied(),
            by_key,
            &mut lost,
        );
        if lost {
            overwritten.push(name.clone());
        }
        is_mine &= same(merged.as_deref(), own);
        result.extend(merged.map(|text| (name, text)));
    }
    if is_mine {
        // Nothing of theirs is left to be laid over it.
        return Some(mine.clone());
    }
    let owned = |(name, text): (&String, Text<'_>)| (name.clone(), text.into_owned());
    data::decode_over_default(&result.into_iter().map(owned).collect()).ok()
}

type Text<'t> = Cow<'t, RawValue>;

fn same(a: Option<&RawValue>, b: Option<&RawValue>) -> bool {
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
fn merge_value<'t>(
    loaded: Option<&'t RawValue>,
    mine: Option<&'t RawValue>,
    theirs: Option<&'t RawValue>,
    by_key: bool,
    lost: &mut bool,
) -> Option<Text<'t>> {
    if same(loaded, mine) {
        return theirs.map(Cow::Borrowed);
    }
    let own = mine.map(Cow::Borrowed);
    if same(loaded, theirs) {
        return own;
    }
    let (Some(ours), Some(other)) = (mine, theirs) else {
        *lost |= mine.is_some() || theirs.is_some();
        return own;
    };
    // A value that was not there counts as an empty one of its kind.
    let merged = match loaded {
        None => lists(Some(Vec::new()), list(ours), list(other)),
        Some(loaded) => lists(list(loaded), list(ours), list(other)),
    };
    if let Some(list) = merged {
        return Some(Cow::Owned(list));
    }
    let loaded = loaded.map_or(Some(BTreeMap::new()), object);
    if let (true, Some(loaded), Some(ours), Some(other)) =
        (by_key, loaded, object(ours), object(other))
    {
        let names: BTreeSet<_> = loaded.keys().chain(ours.keys()).collect();
        let mut result: BTreeMap<_, _> = (other.iter())
            .map(|(name, text)| (name, Cow::Borrowed(*text)))
            .collect();
        for name in names {
            let of = |fields: &BTreeMap<_, &'t RawValue>| fields.get(name).copied();
            match merge_value(of(&loaded), of(&ours), of(&other), by_key, lost) {
                Some(value) => result.insert(name, value),
                None => result.remove(name),
            };
        }
        return raw(&result).map(Cow::Owned).or(own);
    }
    *lost = true;
    own
}

/// What one side appended, after what the other side made of the list.
fn lists(
    loaded: Option<Vec<&RawValue>>,
    mine: Option<Vec<&RawValue>>,
    theirs: Option<Vec<&RawValue>>,
) -> Option<Box<RawValue>> {
    let (loaded, mine, theirs) = (loaded?, mine?, theirs?);
    let appended = |list: &[_]| {
        let same = |(a, b): (&&RawValue, &&RawValue)| same_value(a, b);
        let begins = list.len() >= loaded.len() && list.iter().zip(&loaded).all(same);
        begins.then_some(loaded.len())
    };
    let list = match (appended(&mine), appended(&theirs)) {
        (Some(at), _) => [&theirs[..], &mine[at..]].concat(),
        (None, Some(at)) => [&mine[..], &theirs[at..]].concat(),
        (None, None) => return None,
    };
    raw(&list)
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of three values, and whether one change is lost.
    fn merged(loaded: &Value, mine: &Value, theirs: &Value) -> (Value, bool) {
        let [loaded, mine, theirs] = [loaded, mine, theirs].map(raw);
        let mut lost = false;
        let result = merge_value(
            loaded.as_deref(),
            mine.as_deref(),
            theirs.as_deref(),
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
        assert!(
            merge_value(one.as_deref(), None, two.as_deref(), true, &mut lost).is_none() && lost
        );
        let mut lost = false;
        assert!(merge_value(one.as_deref(), None, None, true, &mut lost).is_none() && !lost);
    }
}
