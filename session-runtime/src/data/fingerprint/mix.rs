//! The arithmetic of fingerprints: a multiplication to 128 bits, whose halves are combined.
//!
//! It only has to tell data from what is read back in its place, not withstand anybody.

/// Combines two numbers; their order counts.
#[inline]
pub(super) const fn mix(a: u64, b: u64) -> u64 {
    let product =
        (a ^ 0x9e37_79b9_7f4a_7c15) as u128 * (b.rotate_left(32) ^ 0xd1b5_4a32_d192_ed03) as u128;
    low(product) ^ low(product >> 64) ^ b
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn low(number: u128) -> u64 {
    number as u64
}

/// The fingerprint of a text.
#[inline]
pub(super) fn of_text(kind: u64, text: &str) -> u64 {
    of_bytes(kind, text.as_bytes())
}

/// The fingerprint of bytes.
#[inline]
pub(super) fn of_bytes(kind: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words
        .iter()
        .fold(kind, |print, word| mix(print, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(whole, u64::from_le_bytes(last)), bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_that_differ_in_one_byte_or_in_length_have_different_fingerprints() {
        let mut seen = HashSet::new();
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    if byte == b'a' && at > 0 {
                        continue;
                    }
                    bytes[at] = byte;
                    assert!(seen.insert(of_bytes(4, &bytes)), "{bytes:?}");
                }
            }
        }
        assert!(seen.insert(of_bytes(4, b"")));
        assert!(seen.insert(of_bytes(5, b"")));
    }

    #[test]
    fn small_numbers_have_different_fingerprints() {
        let pairs = (0..300).flat_map(|a| (0..300).map(move |b| mix(a, b)));
        assert_eq!(pairs.collect::<HashSet<_>>().len(), 300 * 300);
    }
}
