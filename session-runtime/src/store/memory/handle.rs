//! The two halves of a session id, and the hash of one.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::sid::SessionId;

/// The last eight bytes of an id, 62 of whose bits are random. The store finds a session by them,
/// and compares the other half afterwards.
///
/// Two ids with the same handle cannot be stored at the same time. In a store with a million
/// sessions, a new id has the handle of another one with a probability of 2⁻⁴².
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle(u64);

impl Handle {
    /// The first half of an id, mostly the time at which it was minted, and its handle.
    #[inline]
    pub(super) fn split(id: &SessionId) -> (u64, Self) {
        let id = id.as_bytes();
        let number = |half: Option<&[u8; 8]>| half.map_or(0, |half| u64::from_be_bytes(*half));
        (number(id.first_chunk()), Self(number(id.last_chunk())))
    }

    /// The id with this first half.
    pub(super) fn id(self, head: u64) -> SessionId {
        let whole = (u128::from(head) << 64) | u128::from(self.0);
        SessionId::from_bytes(whole.to_be_bytes())
    }
}

impl Hash for Handle {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

pub(super) type BuildHandleHasher = BuildHasherDefault<HandleHasher>;

/// Hashes handles, which are random already except for their first two bits.
///
/// Clients cannot force collisions: the map only contains ids that this library minted from its
/// CSPRNG, and looking up an invented id inserts nothing.
#[derive(Default)]
pub(super) struct HandleHasher(u64);

impl Hasher for HandleHasher {
    #[inline]
    fn write_u64(&mut self, handle: u64) {
        self.0 = handle ^ (handle << 2);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;
    use crate::sid::Sid;

    fn hash() -> u64 {
        let (_, handle) = Handle::split(&Sid::mint().id());
        BuildHandleHasher::default().hash_one(handle)
    }

    #[test]
    fn an_id_consists_of_its_halves() {
        let id = Sid::mint().id();
        let (head, handle) = Handle::split(&id);
        assert_eq!(handle.id(head), id);
    }

    #[test]
    fn every_bit_of_a_hash_varies() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..1_000 {
            let hash = hash();
            ones |= hash;
            zeros |= !hash;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }

    #[test]
    fn every_part_of_a_hash_is_spread_evenly() {
        for shift in [0, 8, 24, 49, 56] {
            let mut parts = [0_u32; 256];
            for _ in 0..64_000 {
                parts[usize::from(hash().wrapping_shr(shift).to_le_bytes()[0])] += 1;
            }
            assert!(
                parts.iter().all(|&of| (150..360).contains(&of)),
                "{parts:?}"
            );
        }
    }
}
