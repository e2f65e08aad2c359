//! The namespaces of a store.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::padded::Padded;

/// The number of namespaces in one link of the list; most stores have one namespace.
const LINK: usize = 8;

/// A list of namespaces that only grows, so that it is read without a lock. A session stores a
/// 2-byte index into it.
#[derive(Default)]
pub(super) struct Namespaces {
    slots: [OnceLock<Namespace>; LINK],
    next: OnceLock<Box<Self>>,
}

pub(super) struct Namespace {
    name: &'static str,
    /// The number of its sessions, including ended ones that no sweep has removed yet. The first
    /// namespace, usually the only one, does not count: it has all sessions but those of the others.
    /// Apart from the name, which every request reads.
    records: Padded<AtomicU64>,
}

impl Namespaces {
    /// The index of a namespace, which is added if it is new; `None` if there are too many.
    pub(super) fn index(&self, name: &'static str) -> Option<u16> {
        let mut link = self;
        let mut index = 0_u16;
        loop {
            for slot in &link.slots {
                let namespace = slot.get_or_init(|| Namespace {
                    name,
                    records: Padded::default(),
                });
                if namespace.is(name) {
                    return Some(index);
                }
                index = index.checked_add(1)?;
            }
            link = link.next.get_or_init(Box::default);
        }
    }

    /// The namespace with this index.
    #[inline]
    pub(super) fn get(&self, index: u16) -> Option<&Namespace> {
        let mut link = self;
        let mut index = usize::from(index);
        while index >= LINK {
            link = link.next.get()?;
            index -= LINK;
        }
        link.slots[index].get()
    }

    /// The number of sessions of a namespace, of the number of all sessions.
    pub(super) fn count(&self, name: &str, mut all: u64) -> u64 {
        let mut link = Some(self);
        let mut is_first = None;
        while let Some(now) = link {
            for namespace in now.slots.iter().map_while(OnceLock::get) {
                let is_searched = namespace.is(name);
                let records = namespace.records.load(Ordering::Acquire);
                match is_first {
                    None => is_first = Some(is_searched),
                    Some(false) if is_searched => return records,
                    Some(_) => all = all.saturating_sub(records),
                }
            }
            link = now.next.get().map(|next| &**next);
        }
        if is_first == Some(true) { all } else { 0 }
    }

    /// Counts a session more of the namespace with this index.
    #[inline]
    pub(super) fn add(&self, index: u16) {
        if index > 0
            && let Some(namespace) = self.get(index)
        {
            namespace.records.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Counts a session less of the namespace with this index.
    #[inline]
    pub(super) fn remove(&self, index: u16) {
        if index > 0
            && let Some(namespace) = self.get(index)
        {
            namespace.records.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Namespace {
    #[inline]
    pub(super) fn is(&self, name: &str) -> bool {
        // Usually both are the same `&str`, which needs no comparison of the text.
        std::ptr::eq(self.name, name) || self.name == name
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test reports by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_index() {
        let namespaces = Namespaces::default();
        let names: Vec<&'static str> = (0..40).map(|at| &*format!("n{at}").leak()).collect();
        let indexes: Vec<_> = names.iter().map(|name| namespaces.index(name)).collect();
        assert_eq!(indexes, (0..40).map(Some).collect::<Vec<_>>());
        for (name, index) in names.iter().zip(indexes) {
            assert_eq!(namespaces.index(name), index, "a known name");
            let index = index.expect("an index");
            let namespace = namespaces.get(index).expect("a namespace");
            assert!(namespace.is(&name.to_string()));
            namespaces.add(index);
            namespaces.add(index);
            namespaces.remove(index);
        }
        for name in names {
            assert_eq!(namespaces.count(name, 40), 1, "{name}");
        }
        assert!(namespaces.get(40).is_none() && namespaces.get(1_000).is_none());
        assert_eq!(namespaces.count("unknown", 40), 0);
    }
}
