//! The namespaces of a store.

use std::sync::OnceLock;

/// The most namespaces of a store. Each config has one, and most stores belong to one config.
const MOST: usize = 256;

/// A list of namespaces that only grows, so that it is read without a lock. A session stores a
/// 2-byte index into it.
pub(super) struct Namespaces([OnceLock<&'static str>; MOST]);

impl Default for Namespaces {
    fn default() -> Self {
        Self([const { OnceLock::new() }; MOST])
    }
}

impl Namespaces {
    /// The index of a namespace, which is added if it is new; `None` if there are too many.
    #[inline]
    pub(super) fn index(&self, name: &'static str) -> Option<u16> {
        let is_searched = |slot: &OnceLock<_>| is_same(slot.get_or_init(|| name), name);
        u16::try_from(self.0.iter().position(is_searched)?).ok()
    }

    /// Whether the namespace with this index has this name.
    #[inline]
    pub(super) fn is(&self, index: u16, name: &str) -> bool {
        let slot = self.0.get(usize::from(index));
        (slot.and_then(OnceLock::get)).is_some_and(|known| is_same(known, name))
    }

    /// The namespace with this index.
    pub(super) fn name(&self, index: u16) -> Option<&'static str> {
        self.0.get(usize::from(index))?.get().copied()
    }

    /// The number of namespaces that have ever had a session.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map_while(OnceLock::get).count()
    }
}

#[inline]
fn is_same(known: &str, name: &str) -> bool {
    // Usually both are the same `&str`, which needs no comparison of the text.
    std::ptr::eq(known, name) || known == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_index_up_to_a_limit() {
        let namespaces = Namespaces::default();
        let names: Vec<&'static str> = (0..=MOST).map(|at| &*format!("n{at}").leak()).collect();
        for (at, name) in names[..MOST].iter().enumerate() {
            assert_eq!(namespaces.index(name), u16::try_from(at).ok());
            assert_eq!(namespaces.len(), at + 1);
        }
        assert_eq!(namespaces.index(names[MOST]), None);
        assert_eq!(namespaces.index(names[7]), Some(7), "a known name");
        let copy = String::from("n7");
        assert!(namespaces.is(7, &copy) && !namespaces.is(8, &copy));
    }
}
