//! Slots of a Cluster, and which server is the primary of each.

/// The number of slots in a Cluster.
const SLOTS: u16 = 16_384;

/// The slot of a key. If the key has a non-empty hash tag (`{…}`), only the tag is hashed.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as in the specification of Redis Cluster.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

/// Ranges of slots with their primaries.
#[derive(Debug, Default)]
pub(super) struct SlotMap(Vec<SlotRange>);

#[derive(Debug)]
pub(super) struct SlotRange {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) primary: HostPort,
}

/// A host and a port.
pub(super) type HostPort = (String, u16);

impl SlotMap {
    pub(super) fn new(ranges: Vec<SlotRange>) -> Self {
        Self(ranges)
    }

    pub(super) fn primary(&self, slot: u16) -> Option<&HostPort> {
        let range = self
            .0
            .iter()
            .find(|range| (range.first..=range.last).contains(&slot));
        range.map(|range| &range.primary)
    }

    pub(super) fn has(&self, address: &HostPort) -> bool {
        self.0.iter().any(|range| range.primary == *address)
    }

    /// Each primary once, or `None` if some slot has no primary.
    pub(super) fn primaries(&self) -> Option<Vec<HostPort>> {
        let covered: u32 = (self.0.iter())
            .map(|range| u32::from(range.last.saturating_sub(range.first)) + 1)
            .sum();
        let mut all: Vec<_> = self.0.iter().map(|range| range.primary.clone()).collect();
        all.sort();
        all.dedup();
        (covered == u32::from(SLOTS)).then_some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_match_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("bar"), 5_061);
        assert_eq!(slot_of("{user1000}.following"), slot_of("user1000"));
        assert_eq!(slot_of("foo{bar}{zap}"), slot_of("bar"));
        assert_eq!(slot_of("foo{{bar}}zap"), slot_of("{bar"));
        assert_eq!(slot_of("foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
    }
}
