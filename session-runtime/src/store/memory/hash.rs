//! Hashing of ids that are random already.

use crate::sid::SessionId;

/// 64 random bits of a `UUIDv7` as its hash: the last 8 bytes without the two constant bits at
/// their top (the variant), and where these are missing the byte before, which is the smallest part
/// of the time.
///
/// No collisions can be forced: only ids that this library minted from its CSPRNG are ever put
/// into a table, and looking up a made-up one inserts nothing.
#[inline]
pub(super) fn hash_of(id: &SessionId) -> u64 {
    let [.., before, _, _, _, _, _, _, _, _] = *id.as_bytes();
    (halves(id).1 << 2) ^ u64::from(before)
}

/// The first and the last eight bytes of an id as numbers that sort as they do.
#[inline]
pub(super) fn halves(id: &SessionId) -> (u64, u64) {
    let id = id.as_bytes();
    let number = |half: Option<&[u8; 8]>| half.map_or(0, |half| u64::from_be_bytes(*half));
    (number(id.first_chunk()), number(id.last_chunk()))
}

/// Which of `shards` an id belongs to. The bits that choose are none of those that the tables use
/// (the highest seven and the lowest few).
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
            let hash = hash_of(&Sid::mint().id());
            ones |= hash;
            zeros |= !hash;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
