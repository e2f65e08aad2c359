//! Numbers as a record contains them: big-endian, and not longer than necessary.

/// A time, a duration or a version.
pub(super) fn six_bytes(number: u64) -> [u8; 6] {
    let [_, _, six @ ..] = number.min((1 << 48) - 1).to_be_bytes();
    six
}

/// An epoch or a generation. They are only compared, so the lowest 32 bits are enough.
pub(super) fn counter_bytes(counter: u64) -> [u8; 4] {
    let [_, _, _, _, four @ ..] = counter.to_be_bytes();
    four
}

/// The version of the data's type. None is noted for the first.
pub(super) fn data_version_bytes(version: u32) -> [u8; 4] {
    if version == 1 {
        [0; 4]
    } else {
        version.to_be_bytes()
    }
}

pub(super) fn length_bytes(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}
