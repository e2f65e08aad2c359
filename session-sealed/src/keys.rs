//! The keys that fields are sealed with.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};

/// The bytes of a key.
const KEY_BYTES: usize = 32;

/// The longest id of a key, in bytes.
const MAX_ID_BYTES: usize = 16;

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that session data is sealed with: the first one seals, each of them opens.
///
/// As text, they are separated by commas, each with an id, a colon, and 32 random bytes in Base64:
/// `2026-11:<key>,2026-05:<key>`. `openssl rand -base64 32` makes a key. An id has up to 16 letters, digits,
/// `-` and `_`, and is stored with each field.
///
/// ```
/// use connect_session::store::SealingKeys;
///
/// # let text = "2026-11:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
/// // Usually `std::env::var("SESSION_KEYS")?`, which no log should contain.
/// let keys: SealingKeys = text.parse()?;
/// assert_eq!(format!("{keys:?}"), r#"SealingKeys(["2026-11"])"#);
/// # Ok::<(), connect_session::store::InvalidSealingKeys>(())
/// ```
///
/// # Changing the key
///
/// All programs that share the sessions must be able to open what one of them seals, so a new key is
/// introduced in three deployments:
///
/// 1. Append it: `old:…,new:…`. Every program can open it, none seals with it.
/// 2. Put it first: `new:…,old:…`. Each session is sealed with it at its next change.
/// 3. Once `absolute_timeout` has passed, remove the old one. Sessions that were sealed with it have ended.
pub struct SealingKeys {
    /// The first one seals. Never empty.
    keys: Vec<SealingKey>,
}

pub(crate) struct SealingKey {
    pub(crate) id: String,
    pub(crate) cipher: XChaCha20Poly1305,
}

impl SealingKeys {
    /// One key, of 32 random bytes.
    ///
    /// ```
    /// use connect_session::store::SealingKeys;
    ///
    /// fn keys(secret: [u8; 32]) -> Result<SealingKeys, Box<dyn std::error::Error>> {
    ///     Ok(SealingKeys::new("2026-11", &secret)?)
    /// }
    /// assert!(keys([0; 32]).is_err(), "not random");
    /// ```
    ///
    /// # Errors
    /// If the id is not one, or all bytes of the key are equal.
    pub fn new(id: &str, key: &[u8; KEY_BYTES]) -> Result<Self, InvalidSealingKeys> {
        let keys = vec![SealingKey::new(id, key)?];
        Ok(Self { keys })
    }

    /// Adds a key that only opens what was sealed with it.
    ///
    /// # Errors
    /// If the id is not one or in use, or all bytes of the key are equal.
    pub fn with_key(mut self, id: &str, key: &[u8; KEY_BYTES]) -> Result<Self, InvalidSealingKeys> {
        if self.find(id).is_some() {
            return Err(InvalidSealingKeys::SameId { id: id.to_owned() });
        }
        self.keys.push(SealingKey::new(id, key)?);
        Ok(self)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&SealingKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The key that seals.
    pub(crate) fn first(&self) -> Option<&SealingKey> {
        self.keys.first()
    }
}

impl SealingKey {
    fn new(id: &str, key: &[u8; KEY_BYTES]) -> Result<Self, InvalidSealingKeys> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(is_allowed) {
            return Err(InvalidSealingKeys::Id);
        }
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(InvalidSealingKeys::NotRandom { id: id.to_owned() });
        }
        Ok(Self {
            id: id.to_owned(),
            cipher: XChaCha20Poly1305::new(key.into()),
        })
    }
}

impl FromStr for SealingKeys {
    type Err = InvalidSealingKeys;

    fn from_str(text: &str) -> Result<Self, InvalidSealingKeys> {
        let mut keys: Option<Self> = None;
        for part in text.split(',') {
            let (id, key) = part
                .trim()
                .split_once(':')
                .ok_or(InvalidSealingKeys::NoColon)?;
            let wrong = || InvalidSealingKeys::Key { id: id.to_owned() };
            // The URL-safe alphabet differs in two characters.
            let key = key.replace('-', "+").replace('_', "/");
            let key = BASE64.decode(key).map_err(|_| wrong())?;
            let key = key.as_slice().try_into().map_err(|_| wrong())?;
            keys = Some(match keys {
                None => Self::new(id, key)?,
                Some(keys) => keys.with_key(id, key)?,
            });
        }
        keys.ok_or(InvalidSealingKeys::NoColon)
    }
}

/// Shows the ids alone.
impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| &key.id).collect();
        f.debug_tuple("SealingKeys").field(&ids).finish()
    }
}

/// Why keys are refused. The message contains no part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSealingKeys {
    /// A key has no id.
    #[error(
        "a key is written as its id, a colon and 32 bytes in Base64, such as `2026-11:bWFrZSB5b3VyIG93bg…`"
    )]
    NoColon,
    /// An id is not one.
    #[error("the id of a key has 1 to 16 letters, digits, `-` and `_`")]
    Id,
    /// A key does not have 32 bytes.
    #[error("the key `{id}` is not 32 bytes in Base64; `openssl rand -base64 32` makes one")]
    Key {
        /// The id of the key.
        id: String,
    },
    /// All bytes of a key are equal, as in a placeholder.
    #[error("the key `{id}` is not random; `openssl rand -base64 32` makes one")]
    NotRandom {
        /// The id of the key.
        id: String,
    },
    /// Two keys have one id.
    #[error("two keys have the id `{id}`; give each key an id of its own")]
    SameId {
        /// The id of both keys.
        id: String,
    },
}
