//! Hashes of session ids, which are random already.

use crate::sid::SessionId;

/// The hash of an id: the 64 random bits of a `UUIDv7`. Its last 8 bytes begin with two constant
/// bits (the variant); those are shifted out, and the byte before, the end of the time, is mixed in.
///
/// Clients cannot force collisions: tables only contain ids that this library minted from its
/// CSPRNG, and looking up an invented id inserts nothing.
#[inline]
pub(super) fn hash_of(id: &SessionId) -> u64 {
    let [.., before, _, _, _, _, _, _, _, _] = *id.as_bytes();
    (halves(id).1 << 2) ^ u64::from(before)
}

/// The first and the last eight bytes of an id, as big-endian numbers.
#[inline]
pub(super) fn halves(id: &SessionId) -> (u64, u64) {
    let id = id.as_bytes();
    let number = |half: Option<&[u8; 8]>| half.map_or(0, |half| u64::from_be_bytes(*half));
    (number(id.first_chunk()), number(id.last_chunk()))
}

/// The shard that an id belongs to. It is chosen by bits that the tables do not use; those use the
/// highest seven and the lowest few.
#[inline]
pub(super) fn shard_of(id: &SessionId, shards: usize) -> usize {
    let bits = (hash_of(id) >> 24) & 0xffff_ffff;
    usize::try_from((bits * shards as u64) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sid::Sid;

    #[test]
    fn minted_ids_are_spread_evenly_over_the_shards() {
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
    fn every_bit_of_a_hash_varies() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..1_000 {
            let hash = hash_of(&Sid::mint().id());
            ones |= hash;
            zeros |= !hash;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
