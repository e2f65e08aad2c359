//! Pseudorandom numbers, the same for the same seed.

/// Marsaglia's xorshift.
pub(in crate::testing) struct Random(u64);

impl Random {
    /// The generator with this number, of those of a seed.
    pub(in crate::testing) fn new(seed: u64, number: u64) -> Self {
        let mut random = Self((seed << 20 | (number + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // The first numbers of similar seeds are similar.
        for _ in 0..8 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below this limit.
    pub(in crate::testing) fn below(&mut self, limit: usize) -> usize {
        let below = (self.next() >> 16) % limit.max(1) as u64;
        usize::try_from(below).unwrap_or_default()
    }
}
