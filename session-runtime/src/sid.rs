//! The session id: a split token of a public record id and a secret.
//!
//! The 64 base64url characters that a client holds are 16 bytes of record id and 32 bytes of
//! secret. The id is the key of the record and never changes; the secret is replaced by a
//! rotation, and a store keeps only its SHA-256.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng as _;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How many characters a sid has.
pub const SID_CHARS: usize = 64;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const SID_BYTES: usize = ID_BYTES + SECRET_BYTES;

/// The public id of a session: a `UUIDv7`, stable for the session's whole life.
///
/// It is what is logged, listed and revoked. Knowing it gives no access to the session.
///
/// ```
/// use connect_session::SessionId;
///
/// let id: SessionId = "0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11".parse()?;
/// assert_eq!(id.to_string(), "0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11");
/// # Ok::<(), connect_session::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

/// The error of parsing a [`SessionId`]: the text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session id is a UUID, such as 0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11")]
pub struct InvalidSessionId;

impl SessionId {
    /// The id as 16 bytes, as a store may keep it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that these bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// A new id of 64 random bits, of which 62 are used; ids sort by the time at which they were
    /// made, to a quarter of a microsecond (RFC 9562, `UUIDv7`, with the fraction of the millisecond
    /// in front of the random bits: 6.2, method 3).
    fn now(random: [u8; 8]) -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let nanos = since.subsec_nanos() % 1_000_000;
        let [.., high, low] = (nanos * 4_096 / 1_000_000).to_be_bytes();
        let mut rest = [0; 10];
        rest[..2].copy_from_slice(&[high, low]);
        rest[2..].copy_from_slice(&random);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| InvalidSessionId)
    }
}

/// The SHA-256 of a secret: what a store keeps and compares, never the secret itself.
///
/// Two hashes compare in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash as bytes, as a store keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that these bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        let difference = (self.0.iter().zip(&other.0)).fold(0, |sum, (a, b)| sum | (a ^ b));
        // Keeps the compiler from leaving the loop at the first difference.
        std::hint::black_box(difference) == 0
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// 256 bits of a CSPRNG that the operating system seeds (ASVS 5.0 7.2.3 asks for 128).
    pub(crate) fn mint() -> Self {
        let mut secret = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self(secret)
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}

/// A sid that a client sent: well-formed, and worth nothing until a store knows it.
#[derive(Clone, Copy)]
pub struct PresentedSid {
    id: SessionId,
    secret: Secret,
}

impl PresentedSid {
    /// The sid in a text, if it is exactly 64 characters of the base64url alphabet.
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

    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        let bytes = decode(text.try_into().ok()?)?;
        let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
        Some(Self {
            id: SessionId::from_bytes(*id),
            secret: Secret(secret.try_into().ok()?),
        })
    }

    /// The id of the record that the sid claims to open.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The hash by which a store tells whether it does.
    #[must_use]
    pub fn secret_hash(&self) -> SecretHash {
        self.secret.hash()
    }

    /// A second sid for the same record.
    pub(crate) fn offer(&self) -> Sid {
        Sid {
            id: self.id,
            secret: Secret::mint(),
        }
    }

    /// To be called only when a store knew the secret.
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

/// The alphabet of base64url (RFC 4648, 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What each byte stands for as the first, second, third or fourth character of a group of four;
/// `NO_DIGIT` for those that are none.
const DIGITS: [[u32; 256]; 4] = [digits(18), digits(12), digits(6), digits(0)];
const NO_DIGIT: u32 = 1 << 31;

const fn digits(shift: u32) -> [u32; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 64 {
        digits[ALPHABET[digit as usize] as usize] = digit << shift;
        digit += 1;
    }
    digits
}

/// Decodes base64url. A sid has no padding and no bits to spare, so this is all there is to it; a
/// decoder of texts of any length takes four times as long, and every request waits for it.
fn decode(text: &[u8; SID_CHARS]) -> Option<[u8; SID_BYTES]> {
    let mut bytes = [0; SID_BYTES];
    let mut seen = 0;
    for (four, three) in (text.as_chunks::<4>().0.iter()).zip(bytes.as_chunks_mut::<3>().0) {
        let digit = |at: usize| DIGITS[at][usize::from(four[at])];
        let number = digit(0) | digit(1) | digit(2) | digit(3);
        seen |= number;
        let [_, octets @ ..] = number.to_be_bytes();
        *three = octets;
    }
    (seen & NO_DIGIT == 0).then_some(bytes)
}

fn encode(bytes: &[u8; SID_BYTES]) -> String {
    let mut text = [0; SID_CHARS];
    for (six, eight) in (bytes.as_chunks::<6>().0.iter()).zip(text.as_chunks_mut::<8>().0) {
        let mut octets = [0; 8];
        octets[2..].copy_from_slice(six);
        let mut number = u64::from_be_bytes(octets);
        for character in eight.iter_mut().rev() {
            *character = ALPHABET[(number & 0x3f) as usize];
            number >>= 6;
        }
    }
    // All of it is ASCII.
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

/// The sid of a living session: the secret token by which its client is known.
///
/// Only the library makes one. It serializes as the token, so that a handler can answer with it;
/// its `Debug` shows the public id alone, and it has no `Display`, so that it does not slip into a
/// log.
#[derive(Clone, Copy)]
pub struct Sid {
    id: SessionId,
    secret: Secret,
}

impl Sid {
    pub(crate) fn mint() -> Self {
        let (mut id, mut secret) = ([0; 8], [0; SECRET_BYTES]);
        let mut random = rand::rng();
        random.fill_bytes(&mut secret);
        random.fill_bytes(&mut id);
        Self {
            id: SessionId::now(id),
            secret: Secret(secret),
        }
    }

    /// The same session under a new secret.
    pub(crate) fn rotated(self) -> Self {
        Self {
            id: self.id,
            secret: Secret::mint(),
        }
    }

    /// As a client presents it.
    pub(crate) fn presented(self) -> PresentedSid {
        PresentedSid {
            id: self.id,
            secret: self.secret,
        }
    }

    /// The public id in the sid.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The token itself, 64 characters. Whoever holds it is the session: not for logs.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut bytes = [0; SID_BYTES];
        bytes[..ID_BYTES].copy_from_slice(self.id.as_bytes());
        bytes[ID_BYTES..].copy_from_slice(&self.secret.0);
        encode(&bytes)
    }

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
    fn a_sid_is_written_in_base64url() {
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
    fn ids_sort_by_the_time_at_which_they_were_made() {
        let ids: Vec<_> = (0..100)
            .map(|_| {
                let started = std::time::Instant::now();
                while started.elapsed().as_nanos() < 1_000 {}
                Sid::mint().id()
            })
            .collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
    }

    #[test]
    fn what_is_no_sid_does_not_parse() {
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
    fn debug_shows_no_secret() {
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
