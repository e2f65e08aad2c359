//! The rules that `merge` can declare, and the types that each can merge. A rule leaves its result in
//! all three versions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::{Merged, elements};
use crate::data::values::Values;

fn put<T: Clone>(result: T, loaded: &mut T, mine: &mut T, theirs: &mut T) {
    loaded.clone_from(&result);
    mine.clone_from(&result);
    *theirs = result;
}

/// Adds both differences: `x = 0` subtracts the loaded value. Stops at the type's bounds.
pub fn add<T: MergeAdd>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
    put(T::add(loaded, mine, theirs), loaded, mine, theirs);
    Merged::Both
}

/// The larger of both.
pub fn max<T: MergeOrder>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
    let larger = if *mine > *theirs {
        mine.clone()
    } else {
        theirs.clone()
    };
    put(larger, loaded, mine, theirs);
    Merged::Both
}

/// The smaller of both.
pub fn min<T: MergeOrder>(loaded: &mut T, mine: &mut T, theirs: &mut T) -> Merged {
    let smaller = if *mine < *theirs {
        mine.clone()
    } else {
        theirs.clone()
    };
    put(smaller, loaded, mine, theirs);
    Merged::Both
}

/// The elements that either side added, without those that either side removed.
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
    let result = if equal(loaded, mine) {
        theirs.clone()
    } else {
        mine.clone()
    };
    put(result, loaded, mine, theirs);
    Merged::Both
}

/// Whether two values have the same encoded form.
fn equal<T: Serialize>(a: &T, b: &T) -> bool {
    let (Ok(a), Ok(b)) = (serde_json::to_string(a), serde_json::to_string(b)) else {
        return false;
    };
    let mut values = Values::new();
    a == b || matches!((values.read(&a), values.read(&b)), (Some(a), Some(b)) if a == b)
}

/// A number that the rule `add` can merge.
#[diagnostic::on_unimplemented(
    message = "the rule `add` cannot merge a `{Self}`",
    label = "not a number",
    note = "`add` fits numbers; `union` fits lists and sets, `keys` fits maps, `last_wins` fits everything"
)]
pub trait MergeAdd: Clone {
    /// `theirs` plus the difference between `mine` and `loaded`.
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
        #[diagnostic::do_not_recommend]
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
        #[diagnostic::do_not_recommend]
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
        #[diagnostic::do_not_recommend]
        impl MergeAdd for $number {
            fn add(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
                theirs + (mine - loaded)
            }
        }
        #[diagnostic::do_not_recommend]
        impl MergeOrder for $number {}
    )*};
}

floats!(f32 f64);

#[diagnostic::do_not_recommend]
impl MergeOrder for Duration {}
#[diagnostic::do_not_recommend]
impl MergeOrder for SystemTime {}

#[diagnostic::do_not_recommend]
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
    /// `theirs`, without the elements that `mine` removed from `loaded`, and with those that it added.
    #[must_use]
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self;
}

/// Two elements are the same if their encoded forms are.
#[diagnostic::do_not_recommend]
impl<T: Clone + Serialize> MergeUnion for Vec<T> {
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        elements::union(loaded, mine, theirs)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Eq + Hash, S: BuildHasher + Clone> MergeUnion for HashSet<T, S> {
    fn union(loaded: &Self, mine: &Self, theirs: &Self) -> Self {
        let mut result = theirs.clone();
        result.retain(|item| mine.contains(item) || !loaded.contains(item));
        result.extend(mine.iter().filter(|item| !loaded.contains(*item)).cloned());
        result
    }
}

#[diagnostic::do_not_recommend]
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
        #[diagnostic::do_not_recommend]
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
                    if same(base, ours) {
                        return;
                    }
                    if !same(base, other) && !(ours.is_none() && other.is_none()) {
                        outcome = Merged::Overwritten;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_if_their_encoded_forms_are() {
        assert!(equal(&u128::MAX, &u128::MAX));
        assert!(!equal(&u128::MAX, &(u128::MAX - 1)), "no number is rounded");
        let map = |keys: [u8; 3]| {
            keys.map(|key| (key, key))
                .into_iter()
                .collect::<HashMap<_, _>>()
        };
        assert!(
            equal(&map([1, 2, 3]), &map([3, 2, 1])),
            "their order is arbitrary"
        );
    }
}
