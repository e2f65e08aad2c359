//! Merges the fields without a rule, in their encoded form.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::data::values::{KeyId, Shape, ValueId, Values};
use crate::data::{self, EncodedFields, MAX_DEPTH};
use crate::printable;

/// Merges three versions. `None` if one does not encode as an object, or if the result does not decode.
pub(super) fn merge<D: data::SessionData>(
    loaded: &D,
    mine: &D,
    theirs: &D,
    by_key: bool,
    overwritten: &mut Vec<String>,
) -> Option<D> {
    let texts = [raw(loaded)?, raw(mine)?, raw(theirs)?];
    // Fields with a rule are equal by now, and often no others have changed.
    if texts[0].get() == texts[1].get() {
        return Some(theirs.clone());
    }
    if texts[0].get() == texts[2].get() {
        return Some(mine.clone());
    }
    let mut versions = Versions {
        values: Values::new(),
        by_key,
    };
    let [loaded, ours, other] = (texts.each_ref()).map(|text| versions.values.read(text.get()));
    let [loaded, ours, other] = [
        versions.entries(loaded)?,
        versions.entries(ours)?,
        versions.entries(other)?,
    ];
    let mut result = EncodedFields::new();
    let mut is_mine = true;
    for (name, [base, own, theirs]) in side_by_side(&[&loaded, &ours, &other]) {
        let mut lost = false;
        let merged = versions.merge(base, own, theirs, 1, &mut lost);
        let text = versions.values.key_text(name);
        if lost {
            overwritten.push(printable::name(text));
        }
        is_mine &= merged == own;
        if let Some(merged) = merged {
            result.insert(text.to_owned(), versions.values.raw(merged)?);
        }
    }
    if is_mine {
        // The result is this request's data, which need not be decoded.
        return Some(mine.clone());
    }
    data::decode_over_default(&result).ok()
}

/// The entries of an object.
type Entries = Vec<(KeyId, ValueId)>;

/// The entries of three objects side by side, by key.
fn side_by_side(objects: &[&Entries; 3]) -> BTreeMap<KeyId, [Option<ValueId>; 3]> {
    let mut all: BTreeMap<KeyId, [Option<ValueId>; 3]> = BTreeMap::new();
    for (at, entries) in objects.iter().enumerate() {
        for (key, value) in *entries {
            all.entry(*key).or_default()[at] = Some(*value);
        }
    }
    all
}

/// The values of all three versions.
struct Versions<'t> {
    values: Values<'t>,
    /// Whether objects are merged key by key.
    by_key: bool,
}

impl Versions<'_> {
    /// Merges two changes of one value. Both are kept in a list to which one side only appended and,
    /// in untyped data, in an object, key by key. Otherwise `mine` wins, and `lost` is set.
    ///
    /// Equal changes conflict, too: if two requests each count from 1 to 2, one of them is lost.
    fn merge(
        &mut self,
        loaded: Option<ValueId>,
        mine: Option<ValueId>,
        theirs: Option<ValueId>,
        depth: usize,
        lost: &mut bool,
    ) -> Option<ValueId> {
        if loaded == mine {
            return theirs;
        }
        if loaded == theirs {
            return mine;
        }
        let (Some(ours), Some(other)) = (mine, theirs) else {
            *lost |= mine.is_some() || theirs.is_some();
            return mine;
        };
        if let Some(list) = self.lists(loaded, ours, other) {
            return Some(list);
        }
        // Below the maximum depth of data, a value is opaque.
        if self.by_key
            && depth <= MAX_DEPTH
            && let Some(object) = self.objects(loaded, ours, other, depth, lost)
        {
            return Some(object);
        }
        *lost = true;
        mine
    }

    /// Appends the elements that one side appended to the other side's list. A missing list counts as
    /// empty.
    fn lists(
        &mut self,
        loaded: Option<ValueId>,
        mine: ValueId,
        theirs: ValueId,
    ) -> Option<ValueId> {
        let items = |id| match self.values.shape(id) {
            Shape::List(items) => Some(&items[..]),
            _ => None,
        };
        let loaded = loaded.map_or(Some(&[][..]), items)?;
        let (mine, theirs) = (items(mine)?, items(theirs)?);
        let list = if let Some(appended) = mine.strip_prefix(loaded) {
            [theirs, appended].concat()
        } else if let Some(appended) = theirs.strip_prefix(loaded) {
            [mine, appended].concat()
        } else {
            return None;
        };
        self.values.list(list)
    }

    /// Merges key by key. A missing object counts as empty.
    fn objects(
        &mut self,
        loaded: Option<ValueId>,
        mine: ValueId,
        theirs: ValueId,
        depth: usize,
        lost: &mut bool,
    ) -> Option<ValueId> {
        let loaded = match loaded {
            Some(loaded) => self.entries(Some(loaded))?,
            None => Entries::new(),
        };
        let (ours, other) = (self.entries(Some(mine))?, self.entries(Some(theirs))?);
        let mut result = Entries::with_capacity(other.len());
        for (key, [base, own, theirs]) in side_by_side(&[&loaded, &ours, &other]) {
            let merged = self.merge(base, own, theirs, depth + 1, lost);
            result.extend(merged.map(|value| (key, value)));
        }
        self.values.object(result)
    }

    fn entries(&self, id: Option<ValueId>) -> Option<Entries> {
        match self.values.shape(id?) {
            Shape::Object(entries) => Some(entries.clone()),
            _ => None,
        }
    }
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The merge of three values, and whether a change is lost.
    fn merged_or_none(versions: [Option<&Value>; 3]) -> (Option<Value>, bool) {
        let texts = versions.map(|value| value.map(Value::to_string));
        let mut merge = Versions {
            values: Values::new(),
            by_key: true,
        };
        let [loaded, mine, theirs] =
            (texts.each_ref()).map(|text| merge.values.read(text.as_deref()?));
        let mut lost = false;
        let result = merge.merge(loaded, mine, theirs, 1, &mut lost);
        let text = result.map(|id| merge.values.text(id));
        (
            text.map(|text| serde_json::from_str(&text).expect("JSON")),
            lost,
        )
    }

    fn merged(loaded: &Value, mine: &Value, theirs: &Value) -> (Value, bool) {
        let (result, lost) = merged_or_none([loaded, mine, theirs].map(Some));
        (result.expect("a value"), lost)
    }

    #[test]
    fn a_list_keeps_appended_elements_whatever_the_other_side_did() {
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
            "neither side only appended"
        );
        assert_eq!(
            kept(&json!([1]), &json!([1])),
            (json!([1]), true),
            "equal changes conflict, too"
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
            "only one key is lost"
        );
    }

    #[test]
    fn two_equal_counts_are_two_changes() {
        assert_eq!(merged(&json!(1), &json!(2), &json!(2)), (json!(2), true));
    }

    #[test]
    fn removed_on_one_side_and_changed_on_the_other_is_a_conflict() {
        let (one, two) = (json!(1), json!(2));
        assert_eq!(merged_or_none([Some(&one), None, Some(&two)]), (None, true));
        assert_eq!(merged_or_none([Some(&one), None, None]), (None, false));
    }
}
