//! The elements of lists, compared by their encoded forms.

use serde::Serialize;

use crate::data::values::{ValueId, Values};

/// The JSON texts of all elements, one after the other, and the end of each; `None` for an element
/// without a JSON form.
#[derive(Default)]
struct Texts {
    all: Vec<u8>,
    ends: Vec<Option<usize>>,
}

impl Texts {
    fn push<T: Serialize>(&mut self, element: &T) {
        let start = self.all.len();
        let written = serde_json::to_writer(&mut self.all, element);
        if written.is_err() {
            self.all.truncate(start);
        }
        self.ends.push(written.is_ok().then_some(self.all.len()));
    }

    /// The number of each element. Equal elements have the same number.
    fn numbers<'t>(&'t self, values: &mut Values<'t>) -> Vec<Option<ValueId>> {
        let all = std::str::from_utf8(&self.all).unwrap_or_default();
        let mut start = 0;
        let mut number = |end: &Option<usize>| {
            let text = all.get(start..(*end)?)?;
            start = (*end)?;
            values.read(text)
        };
        self.ends.iter().map(&mut number).collect()
    }
}

/// The values in a list, by their numbers.
struct Members(Vec<bool>);

impl Members {
    fn new(numbers: &[Option<ValueId>], count: usize) -> Self {
        let mut members = Self(vec![false; count]);
        for number in numbers {
            members.insert(*number);
        }
        members
    }

    fn contains(&self, number: Option<ValueId>) -> bool {
        number.is_some_and(|number| self.0.get(number.index()) == Some(&true))
    }

    /// Returns whether the value was not there before. A value without a number is never there.
    fn insert(&mut self, number: Option<ValueId>) -> bool {
        let place = number.and_then(|number| self.0.get_mut(number.index()));
        place.is_none_or(|place| !std::mem::replace(place, true))
    }
}

/// `theirs`, without the elements that `mine` removed from `loaded`, and with those that it added.
///
/// Each element is encoded once, so the time is proportional to their number and size.
pub(super) fn union<T: Clone + Serialize>(loaded: &[T], mine: &[T], theirs: &[T]) -> Vec<T> {
    let encoded = [loaded, mine, theirs].map(|list| {
        let mut texts = Texts::default();
        for element in list {
            texts.push(element);
        }
        texts
    });
    let mut values = Values::new();
    let [loaded_ids, mine_ids, their_ids] =
        encoded.each_ref().map(|list| list.numbers(&mut values));
    let count = values.len();
    let was_loaded = Members::new(&loaded_ids, count);
    let is_mine = Members::new(&mine_ids, count);
    let mut kept = Members::new(&[], count);
    let mut result = Vec::with_capacity(theirs.len());
    for (element, number) in theirs.iter().zip(their_ids) {
        if !was_loaded.contains(number) || is_mine.contains(number) {
            kept.insert(number);
            result.push(element.clone());
        }
    }
    for (element, number) in mine.iter().zip(mine_ids) {
        if !was_loaded.contains(number) && kept.insert(number) {
            result.push(element.clone());
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, by comparing each element with each other.
    fn by_comparing(loaded: &[u8], mine: &[u8], theirs: &[u8]) -> Vec<u8> {
        let removed = |item: &u8| loaded.contains(item) && !mine.contains(item);
        let mut result: Vec<u8> = theirs
            .iter()
            .filter(|item| !removed(item))
            .copied()
            .collect();
        for item in mine {
            if !loaded.contains(item) && !result.contains(item) {
                result.push(*item);
            }
        }
        result
    }

    proptest! {
        #[test]
        fn a_union_is_the_same_as_by_comparing_each_with_each(
            loaded in proptest::collection::vec(0..6_u8, 0..6),
            mine in proptest::collection::vec(0..6_u8, 0..6),
            theirs in proptest::collection::vec(0..6_u8, 0..6),
        ) {
            let expected = by_comparing(&loaded, &mine, &theirs);
            prop_assert_eq!(union(&loaded, &mine, &theirs), expected);
        }
    }

    #[test]
    fn each_element_is_encoded_once() {
        use std::cell::Cell;
        thread_local!(static ENCODED: Cell<usize> = const { Cell::new(0) });
        #[derive(Clone, PartialEq)]
        struct Counted(u32);
        impl Serialize for Counted {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                ENCODED.set(ENCODED.get() + 1);
                to.serialize_u32(self.0)
            }
        }
        let loaded: Vec<_> = (0..200_000).map(Counted).collect();
        let with = |more: u32| [&loaded[..], &[Counted(more)]].concat();
        let both = union(&loaded, &with(200_001), &with(200_000));
        assert_eq!(both.len(), 200_002);
        assert_eq!(ENCODED.get(), 600_002);
    }

    #[test]
    fn elements_without_an_encoded_form_are_kept() {
        #[derive(Clone)]
        struct Never;
        impl Serialize for Never {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("never"))
            }
        }
        assert_eq!(union(&[], &[Never], &[Never]).len(), 2);
    }
}
