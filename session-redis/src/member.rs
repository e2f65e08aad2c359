//! The members of an index: which session logged in when.

use std::time::Duration;

use redis::Value;

use super::key::{id_of, id_text};
use super::numbers::six_bytes;
use super::reader::Reader;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::ListCursor;
use connect_session_runtime::timestamp::Timestamp;

/// How long a login on a Cluster may take from its admission to its confirmation, as in `logins.lua`.
const LONGEST_LOGIN: Duration = Duration::from_secs(30);

/// A login of a session. The later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) logged_in_at: u64,
    pub(super) id: SessionId,
    /// Whether it is not known to be confirmed; see `login_on_cluster.rs`.
    pub(super) is_unfinished: bool,
}

impl Member {
    /// A member of a sorted set; `None` if it is something else, such as the revocation mark.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let Value::BulkString(bytes) = value else {
            return None;
        };
        let mut reader = Reader::new(bytes);
        let logged_in_at = reader.millis()?;
        let rest = reader.rest();
        let id = rest.strip_suffix(b"?");
        Some(Self {
            logged_in_at,
            id: id_of(id.unwrap_or(rest))?,
            is_unfinished: id.is_some(),
        })
    }

    /// Whether its login may still be confirmed. Until then, it is in no list.
    pub(super) fn is_in_progress(&self, now: u64) -> bool {
        let age = Duration::from_millis(now.saturating_sub(self.logged_in_at));
        self.is_unfinished && age < LONGEST_LOGIN
    }

    /// The member as it is in the sorted set.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = six_bytes(self.logged_in_at).to_vec();
        bytes.extend_from_slice(id_text(self.id).as_bytes());
        if self.is_unfinished {
            bytes.push(b'?');
        }
        bytes
    }

    pub(super) const fn cursor(&self) -> ListCursor {
        ListCursor {
            logged_in_at: Timestamp::from_millis(self.logged_in_at),
            id: self.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_as_it_was_written() {
        let member = Member {
            logged_in_at: 1_700_000_000_000,
            id: SessionId::from_bytes([7; 16]),
            is_unfinished: false,
        };
        let unfinished = Member {
            is_unfinished: true,
            ..member
        };
        let read = |bytes| Member::read(&Value::BulkString(bytes));
        assert_eq!(read(member.bytes()), Some(member));
        assert_eq!(read(unfinished.bytes()), Some(unfinished));
        assert_eq!(read(b"mark".to_vec()), None);
        assert_eq!(read(Vec::new()), None);
    }

    #[test]
    fn a_login_is_in_progress_for_half_a_minute() {
        let of = |is_unfinished| Member {
            logged_in_at: 1_000,
            id: SessionId::from_bytes([7; 16]),
            is_unfinished,
        };
        assert!(of(true).is_in_progress(900) && of(true).is_in_progress(30_999));
        assert!(!of(true).is_in_progress(31_000) && !of(false).is_in_progress(1_000));
    }
}
