//! Finds the number of a value by its hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The numbers 0, 1, 2 … by the hashes of what they stand for.
#[derive(Default)]
pub(super) struct Index {
    /// The last number with a hash.
    last: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// For each number the one before it with the same hash, if there is one.
    before: Vec<Option<u32>>,
}

impl Index {
    /// The number with this hash for which `is_same` holds.
    pub(super) fn find(&self, hash: u64, is_same: impl Fn(u32) -> bool) -> Option<u32> {
        let mut next = self.last.get(&hash).copied();
        while let Some(number) = next.filter(|number| !is_same(*number)) {
            next = self.before.get(number as usize).copied()?;
        }
        next
    }

    /// Adds the next number, which has this hash, and returns it; `None` if there are too many.
    pub(super) fn add(&mut self, hash: u64) -> Option<u32> {
        let number = u32::try_from(self.before.len()).ok()?;
        self.before.push(self.last.insert(hash, number));
        Some(number)
    }
}

/// Takes a hash as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_the_same_hash_are_told_apart() {
        let names = ["a", "b", "c", "d"];
        let mut index = Index::default();
        for (at, hash) in [7, 7, 8, 7].into_iter().enumerate() {
            assert_eq!(index.find(hash, |number| number as usize == at), None);
            assert_eq!(index.add(hash).map(|number| number as usize), Some(at));
        }
        let found = |hash, name| index.find(hash, |number| names[number as usize] == name);
        assert_eq!(
            [found(7, "a"), found(7, "b"), found(7, "d"), found(8, "c")],
            [Some(0), Some(1), Some(3), Some(2)]
        );
        assert_eq!([found(7, "c"), found(9, "a")], [None; 2]);
    }
}
