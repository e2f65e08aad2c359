//! The secret half of a sid, and its hash.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::random;

pub(super) const SECRET_BYTES: usize = 32;

/// The SHA-256 hash of a secret. A store keeps and compares hashes, never secrets.
///
/// Two hashes are compared in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash as 32 bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Creates a hash from its 32 bytes.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl PartialEq for SecretHash {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        is_equal(&self.0, &other.0)
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Compares in constant time.
#[inline]
fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = (a.iter().zip(b)).fold(0, |sum, (a, b)| sum | (a ^ b));
    // Prevents the compiler from leaving the loop at the first difference.
    std::hint::black_box(difference) == 0
}

/// The secret half of a sid.
#[derive(Clone, Copy)]
pub(super) struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// A new secret: 256 bits of a CSPRNG that the operating system seeds (ASVS 5.0 7.2.3 requires
    /// 128).
    pub(super) fn mint() -> Self {
        Self(random::bytes())
    }

    #[inline]
    pub(super) const fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    #[inline]
    pub(super) const fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        is_equal(&self.0, &other.0)
    }

    #[inline]
    pub(super) fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}
