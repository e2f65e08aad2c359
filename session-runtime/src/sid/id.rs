//! The public id of a session.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The public id of a session: a `UUIDv7` that stays the same for the session's whole life.
///
/// Use it to log, list and revoke sessions. Knowing it gives no access to the session.
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

/// The error of parsing a [`SessionId`]: the text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSessionId;

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id is a UUID, such as 0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11")
    }
}

impl std::error::Error for InvalidSessionId {}

impl SessionId {
    /// The id as 16 bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Creates an id from its 16 bytes.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id of an adopted session, from the hash of its old id: a `UUIDv8`, which no other session has.
    pub(crate) fn adopted(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }

    /// Whether the session was adopted.
    pub(crate) fn is_adopted(self) -> bool {
        self.0.get_version_num() == 8
    }

    /// A new id from 64 random bits, of which 62 are used.
    ///
    /// Ids sort by creation time, to a quarter of a microsecond: the fraction of the millisecond
    /// precedes the random bits (RFC 9562, 6.2, method 3).
    pub(super) fn new(random: [u8; 8]) -> Self {
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
