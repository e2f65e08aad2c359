//! The sid: a token of two parts, a public record id and a secret.
//!
//! A client holds 64 base64url characters, which encode 16 bytes of record id and 32 bytes of
//! secret. The id is the record's key and never changes. A rotation replaces the secret, of which
//! a store keeps only the SHA-256 hash.

mod base64url;
mod id;
mod secret;

use std::fmt;

use serde::{Serialize, Serializer};

pub use self::base64url::SID_CHARS;
use self::base64url::{SID_BYTES, decode, encode};
pub use self::id::{InvalidSessionId, SessionId};
pub use self::secret::SecretHash;
use self::secret::{SECRET_BYTES, Secret};
use crate::random;

const ID_BYTES: usize = SID_BYTES - SECRET_BYTES;

/// A well-formed sid that a client sent. Only a store can tell whether it opens a session.
#[derive(Clone, Copy)]
pub struct PresentedSid {
    id: SessionId,
    secret: Secret,
}

impl PresentedSid {
    /// Parses a sid. Returns `None` unless the text is exactly 64 characters of the base64url
    /// alphabet.
    ///
    /// ```
    /// use connect_session::PresentedSid;
    ///
    /// assert!(PresentedSid::parse(&"A".repeat(64)).is_some());
    /// assert!(PresentedSid::parse("guest").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    #[inline]
    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        let bytes = decode(text.try_into().ok()?)?;
        let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
        Some(Self {
            id: SessionId::from_bytes(*id),
            secret: Secret::from_bytes(secret.try_into().ok()?),
        })
    }

    /// The id of the record that the sid names.
    #[must_use]
    #[inline]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The hash of the secret, which a store compares with the stored one.
    #[must_use]
    #[inline]
    pub fn secret_hash(&self) -> SecretHash {
        self.secret.hash()
    }

    /// Whether both are the same sid. The secrets are compared in constant time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.secret.is_same(&other.secret)
    }

    /// What a load needs of it.
    #[inline]
    pub(crate) fn hashed(&self) -> HashedSid {
        HashedSid {
            id: self.id,
            secret: self.secret.hash(),
        }
    }

    /// Trusts the sid. Call this only after a store has accepted the secret.
    #[inline]
    pub(crate) fn verified(self) -> Sid {
        Sid {
            id: self.id,
            secret: self.secret,
        }
    }
}

impl fmt::Debug for PresentedSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedSid")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A record id and the hash that opens the record: what a load needs of a sid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedSid {
    pub(crate) id: SessionId,
    pub(crate) secret: SecretHash,
}

impl HashedSid {
    /// A sid with a new secret for the same record.
    #[inline]
    pub(crate) fn offer(&self) -> Sid {
        Sid {
            id: self.id,
            secret: Secret::mint(),
        }
    }
}

/// The sid of a live session: the secret token that identifies its client.
///
/// Only the library creates one. It serializes as the token, so that a handler can return it.
/// `Debug` shows only the public id, and there is no `Display`, so that the token does not end up
/// in a log by accident.
#[derive(Clone, Copy)]
pub struct Sid {
    id: SessionId,
    secret: Secret,
}

impl Sid {
    pub(crate) fn mint() -> Self {
        let bytes: [u8; SECRET_BYTES + 8] = random::bytes();
        let (mut secret, mut id) = ([0; SECRET_BYTES], [0; 8]);
        secret.copy_from_slice(&bytes[..SECRET_BYTES]);
        id.copy_from_slice(&bytes[SECRET_BYTES..]);
        Self {
            id: SessionId::new(id),
            secret: Secret::from_bytes(secret),
        }
    }

    /// The same secret for another record.
    pub(crate) fn of(self, id: SessionId) -> Self {
        Self { id, ..self }
    }

    /// The same session under a new secret.
    pub(crate) fn rotated(self) -> Self {
        Self {
            id: self.id,
            secret: Secret::mint(),
        }
    }

    /// The sid as a client presents it.
    #[inline]
    pub(crate) fn presented(self) -> PresentedSid {
        PresentedSid {
            id: self.id,
            secret: self.secret,
        }
    }

    /// The public id in the sid.
    #[must_use]
    #[inline]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The token, 64 characters. It gives full access to the session: never log it.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut bytes = [0; SID_BYTES];
        bytes[..ID_BYTES].copy_from_slice(self.id.as_bytes());
        bytes[ID_BYTES..].copy_from_slice(self.secret.as_bytes());
        encode(&bytes)
    }

    #[inline]
    pub(crate) fn secret_hash(&self) -> SecretHash {
        self.secret.hash()
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sid")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_sid_parses_back_to_the_same_id_and_hash() {
        let sid = Sid::mint();
        let text = sid.expose();
        assert_eq!(text.len(), SID_CHARS);
        let presented = PresentedSid::parse(&text).expect("well-formed");
        assert_eq!(presented.id(), sid.id());
        assert!(presented.secret_hash() == sid.secret_hash());
        assert!(sid.rotated().secret_hash() != sid.secret_hash());
    }

    #[test]
    fn a_sid_is_encoded_in_base64url() {
        let mut bytes = [0; SID_BYTES];
        for (byte, value) in bytes.iter_mut().zip(0..) {
            *byte = value;
        }
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";
        assert_eq!(encode(&bytes), text);
        let text = text.as_bytes().try_into().expect("64 characters");
        assert_eq!(decode(text), Some(bytes));
        assert_eq!(encode(&[0xff; SID_BYTES]), "_".repeat(SID_CHARS));
        assert_eq!(
            decode(&[b'-'; SID_CHARS]),
            Some([0xfb, 0xef, 0xbe].repeat(16).try_into().expect("48 bytes"))
        );
        let known = (0..=u8::MAX).filter(|byte| decode(&[*byte; SID_CHARS]).is_some());
        assert_eq!(known.count(), 64);
    }

    #[test]
    fn ids_sort_by_creation_time() {
        let ids: Vec<_> = (0..100)
            .map(|_| {
                let started = std::time::Instant::now();
                while started.elapsed().as_nanos() < 1_000 {}
                Sid::mint().id()
            })
            .collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.as_bytes()[6] >> 4 == 7));
    }

    #[test]
    fn malformed_sids_do_not_parse() {
        let long = "A".repeat(65_536);
        let padded = format!("{}==", "A".repeat(62));
        let foreign = format!("{}+/", "A".repeat(62));
        let nul = format!("{}\0", "A".repeat(63));
        let wide = "é".repeat(32);
        for text in [
            "",
            "A",
            &"A".repeat(63),
            &"A".repeat(65),
            &long,
            &padded,
            &foreign,
            &nul,
            &wide,
        ] {
            assert!(
                PresentedSid::parse(text).is_none(),
                "{} characters",
                text.len()
            );
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        let sid = Sid::mint();
        let presented = PresentedSid::parse(&sid.expose()).expect("well-formed");
        for text in [
            format!("{sid:?}"),
            format!("{presented:?}"),
            format!("{:?}", sid.secret_hash()),
        ] {
            assert!(!text.contains(&sid.expose()[22..]), "{text}");
            assert!(!text.contains(&sid.expose()[..21]), "{text}");
        }
    }
}
