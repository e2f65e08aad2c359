//! Three-way merges: what was loaded, what this request made of it, and what another one did.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::SessionConfig;
use crate::data;

/// The three versions of the data, for the rules that a config declares.
#[derive(Debug)]
pub struct Three<'a, D> {
    /// What was loaded.
    pub loaded: &'a mut D,
    /// What this request made of it.
    pub mine: &'a mut D,
    /// What is stored now.
    pub theirs: &'a mut D,
    overwrote: Vec<String>,
}

/// Whether a rule could keep both changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Merged {
    /// Both changes are in the result.
    Both,
    /// The other change, or a part of it, is lost.
    Overwrote,
}

impl<D> Three<'_, D> {
    /// Notes what a rule did with a field.
    pub fn settle(&mut self, field: &'static str, outcome: Merged) {
        if outcome == Merged::Overwrote {
            self.overwrote.push(field.to_owned());
        }
    }
}

/// The result of a merge.
#[derive(Debug)]
pub(crate) struct Merge<D> {
    pub(crate) data: D,
    /// The fields of which the other change is lost.
    pub(crate) overwrote: Vec<String>,
}

/// Merges what this request made of the data with what is stored now.
///
/// Declared fields first, as typed values: their rule leaves the same value in all three versions,
/// so that they are no difference any more when the rest is compared as encoded fields.
pub(crate) fn three_way<C: SessionConfig>(loaded: &C::Data, mine: &C::Data, theirs: &C::Data) -> Merge<C::Data> {
    let (mut base, mut ours, mut other) = (loaded.clone(), mine.clone(), theirs.clone());
    let mut three = Three { loaded: &mut base, mine: &mut ours, theirs: &mut other, overwrote: Vec::new() };
    C::merge(&mut three);
    let mut overwrote = three.overwrote;
    match rest(&base, &ours, &other, C::UNTYPED, &mut overwrote) {
        Some(data) => Merge { data, overwrote },
        // The fields do not go together, or have no encoded form: the whole is one opaque value.
        None => Merge { data: mine.clone(), overwrote: vec!["(all)".to_owned()] },
    }
}

/// Merges encoded fields.
fn rest<D: data::SessionData>(
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
        if same(base, ours) || same(ours, other) {
            continue;
        }
        let merged = if same(base, other) { None } else { combine(base, ours, other, by_key) };
        match (merged, ours) {
            (Some(value), _) => {
                result.insert(name, RawValue::from_string(value.to_string()).ok()?);
                continue;
            }
            (None, Some(ours)) => {
                let lost = !same(base, other);
                result.insert(name.clone(), ours.clone());
                if lost {
                    overwrote.push(name);
                }
            }
            (None, None) => {
                let lost = !same(base, other);
                result.remove(&name);
                if lost {
                    overwrote.push(name);
                }
            }
        }
    }
    data::decode(&result).ok()
}

fn same(a: Option<&Box<RawValue>>, b: Option<&Box<RawValue>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => data::same_value(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Both changes of one field, if its value says how: a list to which one side only appended, and
/// in untyped data an object.
fn combine(
    loaded: Option<&Box<RawValue>>,
    mine: Option<&Box<RawValue>>,
    theirs: Option<&Box<RawValue>>,
    by_key: bool,
) -> Option<Value> {
    let parse = |text: &RawValue| serde_json::from_str::<Value>(text.get()).ok();
    let (mine, theirs) = (parse(mine?)?, parse(theirs?)?);
    // A field that was not there counts as an empty one of its kind.
    let loaded = match loaded {
        Some(text) => parse(text)?,
        None if mine.is_array() => Value::Array(Vec::new()),
        None => Value::Object(serde_json::Map::new()),
    };
    both(&loaded, &mine, &theirs, by_key)
}

fn both(loaded: &Value, mine: &Value, theirs: &Value, by_key: bool) -> Option<Value> {
    if loaded == mine || mine == theirs {
        return Some(theirs.clone());
    }
    if loaded == theirs {
        return Some(mine.clone());
    }
    match (loaded, mine, theirs) {
        (Value::Array(loaded), Value::Array(mine), Value::Array(theirs)) => {
            let appended = if let Some(suffix) = mine.strip_prefix(loaded.as_slice()) {
                [theirs, suffix].concat()
            } else {
                [mine, theirs.strip_prefix(loaded.as_slice())?].concat()
            };
            Some(Value::Array(appended))
        }
        (Value::Object(loaded), Value::Object(mine), Value::Object(theirs)) if by_key => {
            let mut result = theirs.clone();
            let names: BTreeSet<_> = loaded.keys().chain(mine.keys()).collect();
            for name in names {
                match (loaded.get(name), mine.get(name), theirs.get(name)) {
                    (base, ours, other) if base == ours || ours == other => {}
                    (base, Some(ours), other) if base == other => {
                        result.insert(name.clone(), ours.clone());
                    }
                    (base, None, other) if base == other => {
                        result.remove(name);
                    }
                    (Some(base), Some(ours), Some(other)) => {
                        result.insert(name.clone(), both(base, ours, other, by_key)?);
                    }
                    _ => return None,
                }
            }
            Some(Value::Object(result))
        }
        _ => None,
    }
}

/// The rules that `merge` can declare. Each leaves its result in all three places.
pub mod rule {
    use super::{MergeAdd, MergeKeys, MergeOrder, MergeUnion, Merged, Serialize};

    fn put<T: Clone>(result: T, loaded: &mut T, mine: &mut T, theirs: &mut T) {
        loaded.clone_from(&result);
        mine.clone_from(&result);
        *theirs = result;
    }

    /// Adds both differences: `x = 0` subtracts what was loaded. Stops at the type's bounds.
    pub fn add<T: MergeAdd>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        put(T::add(loaded, mine, theirs), loaded, mine, theirs);
        Merged::Both
    }

    /// The larger of both.
    pub fn max<T: MergeOrder>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        let larger = if *mine > *theirs { mine.clone() } else { theirs.clone() };
        put(larger, loaded, mine, theirs);
        Merged::Both
    }

    /// The smaller of both.
    pub fn min<T: MergeOrder>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        let smaller = if *mine < *theirs { mine.clone() } else { theirs.clone() };
        put(smaller, loaded, mine, theirs);
        Merged::Both
    }

    /// What either side added, without what either side removed.
    pub fn union<T: MergeUnion>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        put(T::union(loaded, mine, theirs), loaded, mine, theirs);
        Merged::Both
    }

    /// Key by key; where both sides changed one key, the last one wins.
    pub fn keys<T: MergeKeys>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        let (result, outcome) = T::keys(loaded, mine, theirs);
        put(result, loaded, mine, theirs);
        outcome
    }

    /// The last one wins, on purpose: no event, and no rejection.
    pub fn last_wins<T: Serialize + Clone>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
        let result = if super::equal(loaded, mine) { theirs.clone() } else { mine.clone() };
        put(result, loaded, mine, theirs);
        Merged::Both
    }
}

/// Whether two values have the same encoded form.
fn equal<T: Serialize>(a: &T, b: &T) -> bool {
    matches!((serde_json::to_value(a), serde_json::to_value(b)), (Ok(a), Ok(b)) if a == b)
}

/// A number that the rule `add` can merge.
#[diagnostic::on_unimplemented(
    message = "the rule `add` cannot merge a `{Self}`",
    label = "not a number",
    note = "`add` fits numbers; `union` fits lists and sets, `keys` fits maps, `last_wins` fits everything"
)]
pub trait MergeAdd: Clone {
    /// `theirs` plus what `mine` added to `loaded`.
    #[must_use]
    fn add(loaded: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// A value that the rules `max` and `min` can merge.
#[diagnostic::on_unimplemented(
    message = "the rules `max` and `min` cannot merge a `{Self}`",
    label = "neither a number nor a time",
    note = "`union` fits lists and sets, `keys` fits maps, `last_wins` fits everything"
)]
pub trait MergeOrder: Clone + PartialOrd {}

macro_rules! integers {
    ($($number:ty)*) => {$(
        impl MergeAdd for $number {
            fn add(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
                if mine >= loaded {
                    // The difference of two signed numbers may be too large for their type.
                    let difference = mine.abs_diff(*loaded);
                    let room = Self::MAX.abs_diff(*theirs);
                    if difference > room { Self::MAX } else { theirs.wrapping_add_diff(difference) }
                } else {
                    let difference = loaded.abs_diff(*mine);
                    let room = theirs.abs_diff(Self::MIN);
                    if difference > room { Self::MIN } else { theirs.wrapping_sub_diff(difference) }
                }
            }
        }
        impl MergeOrder for $number {}
    )*};
}

/// Adds an unsigned difference that is known to fit.
trait Difference<U> {
    fn wrapping_add_diff(self, difference: U) -> Self;
    fn wrapping_sub_diff(self, difference: U) -> Self;
}

macro_rules! differences {
    (unsigned: $($number:ty)*) => {$(
        impl Difference<$number> for $number {
            fn wrapping_add_diff(self, difference: $number) -> Self { self.wrapping_add(difference) }
            fn wrapping_sub_diff(self, difference: $number) -> Self { self.wrapping_sub(difference) }
        }
    )*};
    (signed: $($number:ty, $unsigned:ty;)*) => {$(
        impl Difference<$unsigned> for $number {
            fn wrapping_add_diff(self, difference: $unsigned) -> Self { self.wrapping_add_unsigned(difference) }
            fn wrapping_sub_diff(self, difference: $unsigned) -> Self { self.wrapping_sub_unsigned(difference) }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
differences!(unsigned: u8 u16 u32 u64 u128 usize);
differences!(signed: i8, u8; i16, u16; i32, u32; i64, u64; i128, u128; isize, usize;);

macro_rules! floats {
    ($($number:ty)*) => {$(
        impl MergeAdd for $number {
            fn add(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
                theirs + (mine - loaded)
            }
        }
        impl MergeOrder for $number {}
    )*};
}

floats!(f32 f64);

impl MergeOrder for Duration {}
impl MergeOrder for SystemTime {}

impl MergeAdd for Duration {
    fn add(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        match mine.checked_sub(*loaded) {
            Some(more) => theirs.saturating_add(more),
            None => theirs.saturating_sub(loaded.saturating_sub(*mine)),
        }
    }
}

/// A list or set that the rule `union` can merge.
#[diagnostic::on_unimplemented(
    message = "the rule `union` cannot merge a `{Self}`",
    label = "neither a list nor a set, or its elements cannot be compared",
    note = "`union` fits lists and sets; `add`, `max` and `min` fit numbers, `keys` fits maps, `last_wins` fits everything"
)]
pub trait MergeUnion: Clone {
    /// `theirs`, without what `mine` removed from `loaded`, with what it added.
    #[must_use]
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self;
}

impl<T: Clone + PartialEq> MergeUnion for Vec<T> {
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        let removed = |item: &T| loaded.contains(item) && !mine.contains(item);
        let mut result: Self = theirs.iter().filter(|item| !removed(item)).cloned().collect();
        for item in mine {
            if !loaded.contains(item) && !result.contains(item) {
                result.push(item.clone());
            }
        }
        result
    }
}

impl<T: Clone + Eq + Hash, S: BuildHasher + Clone> MergeUnion for HashSet<T, S> {
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        let mut result = theirs.clone();
        result.retain(|item| mine.contains(item) || !loaded.contains(item));
        result.extend(mine.iter().filter(|item| !loaded.contains(*item)).cloned());
        result
    }
}

impl<T: Clone + Ord> MergeUnion for BTreeSet<T> {
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        let mut result = theirs.clone();
        result.retain(|item| mine.contains(item) || !loaded.contains(item));
        result.extend(mine.iter().filter(|item| !loaded.contains(*item)).cloned());
        result
    }
}

/// A map that the rule `keys` can merge.
#[diagnostic::on_unimplemented(
    message = "the rule `keys` cannot merge a `{Self}`",
    label = "not a map",
    note = "`keys` fits maps; `add`, `max` and `min` fit numbers, `union` fits lists and sets, `last_wins` fits everything"
)]
pub trait MergeKeys: Clone {
    /// `theirs` with the keys that `mine` changed.
    fn keys(loaded: &Self, mine: &Self, theirs: &Self) -> (Self, Merged);
}

macro_rules! maps {
    ($([$($generics:tt)*] $map:ty, $key:ty, $value:ty;)*) => {$(
        impl<$($generics)*> MergeKeys for $map {
            fn keys(loaded: &Self, mine: &Self, theirs: &Self) -> (Self, Merged) {
                let same = |a: Option<&$value>, b: Option<&$value>| match (a, b) {
                    (Some(a), Some(b)) => equal(a, b),
                    (None, None) => true,
                    _ => false,
                };
                let mut result = theirs.clone();
                let mut outcome = Merged::Both;
                let mut settle = |key: &$key| {
                    let (base, ours, other) = (loaded.get(key), mine.get(key), theirs.get(key));
                    if same(base, ours) || same(ours, other) {
                        return;
                    }
                    if !same(base, other) {
                        outcome = Merged::Overwrote;
                    }
                    match ours {
                        Some(value) => result.insert(key.clone(), value.clone()),
                        None => result.remove(key),
                    };
                };
                mine.keys().for_each(&mut settle);
                loaded.keys().filter(|key| !mine.contains_key(*key)).for_each(&mut settle);
                (result, outcome)
            }
        }
    )*};
}

maps! {
    [K: Clone + Eq + Hash, V: Clone + Serialize, S: BuildHasher + Clone] HashMap<K, V, S>, K, V;
    [K: Clone + Ord, V: Clone + Serialize] BTreeMap<K, V>, K, V;
    [] serde_json::Map<String, Value>, String, Value;
}
