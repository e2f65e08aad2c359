//! Random bytes that differ between processes, also between those that were forked from one another.

use std::cell::Cell;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

thread_local! {
    /// The id of the process in which this thread's generator was last seeded. Starts as 0, which is
    /// the id of no process.
    static SEEDED_IN: Cell<u32> = const { Cell::new(0) };
}

/// Bytes of a CSPRNG that the operating system seeds.
///
/// A fork copies the state of the generator, so parent and children would continue with the same
/// bytes. Each call therefore reads the id of the process, which takes one system call, and reseeds
/// the generator if the id has changed.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut random = rand::rng();
    let process = std::process::id();
    let is_seeded = SEEDED_IN.get() == process || random.reseed().is_ok();
    random.fill_bytes(&mut bytes);
    if is_seeded {
        SEEDED_IN.set(process);
    } else {
        make_distinct(&mut bytes, process);
    }
    bytes
}

/// Like [`bytes`], but a forked process may draw the same ones.
pub(crate) fn bytes_of_this_process<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Makes the bytes of a generator that could not be reseeded differ from those that the same generator
/// yields in another process. Hashes them, so that neither can be computed from the other.
#[cold]
fn make_distinct(bytes: &mut [u8], process: u32) {
    for chunk in bytes.chunks_mut(32) {
        let hash = Sha256::new()
            .chain_update(&*chunk)
            .chain_update(process.to_be_bytes())
            .finalize();
        for (byte, hashed) in chunk.iter_mut().zip(hash) {
            *byte = hashed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_never_the_same() {
        let drawn: std::collections::HashSet<[u8; 40]> = (0..1_000).map(|_| bytes()).collect();
        assert_eq!(drawn.len(), 1_000);
    }

    #[test]
    fn the_same_bytes_become_different_in_each_process() {
        let distinct = |process| {
            let mut bytes = [7; 40];
            make_distinct(&mut bytes, process);
            bytes
        };
        let (one, other) = (distinct(1), distinct(2));
        assert_ne!(one, [7; 40]);
        assert_ne!(one[..32], other[..32]);
        assert_ne!(one[32..], other[32..]);
        assert_eq!(one, distinct(1));
    }
}
