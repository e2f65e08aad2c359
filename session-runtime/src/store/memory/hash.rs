//! Hashing of ids that are random already.

use std::hash::{BuildHasher, Hasher};

use crate::sid::SessionId;

/// Takes the random bits of a `UUIDv7` as its hash.
///
/// No collisions can be forced: only ids that this library minted from its CSPRNG are ever put
/// into a map, and looking up a made-up one inserts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct IdHash;

#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    #[inline]
    fn build_hasher(&self) -> IdHasher {
        IdHasher::default()
    }
}

impl Hasher for IdHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        match bytes.try_into() {
            Ok(id) => self.0 = spread(id),
            // The length of the array, if the derived `Hash` of an id ever writes it.
            Err(_) => {
                for byte in bytes {
                    self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
                }
            }
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// 64 random bits: the last 8 bytes without the two constant bits at their top (the variant), and
/// where these are missing the byte before, which is the smallest part of the time.
#[inline]
fn spread(id: &[u8; 16]) -> u64 {
    let [.., before, _, _, _, _, _, _, _, _] = *id;
    (halves(id).1 << 2) ^ u64::from(before)
}

/// The first and the last eight bytes of an id as numbers that sort as they do.
#[inline]
pub(super) fn halves(id: &[u8; 16]) -> (u64, u64) {
    let number = |half: Option<&[u8; 8]>| half.map_or(0, |half| u64::from_be_bytes(*half));
    (number(id.first_chunk()), number(id.last_chunk()))
}

/// Which of `shards` an id belongs to. The bits that choose are none of those that the maps use
/// (the highest seven and the lowest few).
#[inline]
pub(super) fn shard_of(id: &SessionId, shards: usize) -> usize {
    let bits = (spread(id.as_bytes()) >> 24) & 0xffff_ffff;
    usize::try_from((bits * shards as u64) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sid::Sid;

    #[test]
    fn minted_ids_fill_every_shard_evenly() {
        let mut shards = [0_u32; 320];
        for _ in 0..64_000 {
            shards[shard_of(&Sid::mint().id(), 320)] += 1;
        }
        assert!(
            shards.iter().all(|&ids| (110..300).contains(&ids)),
            "{shards:?}"
        );
    }

    #[test]
    fn every_bit_of_a_hash_is_used() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..1_000 {
            let hash = IdHash.hash_one(Sid::mint().id());
            ones |= hash;
            zeros |= !hash;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
