//! The members of an index: which session logged in when.

use redis::Value;

use super::key::{id_of, id_text};
use super::reader::Reader;
use super::stored::six_bytes;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::ListCursor;
use connect_session_runtime::timestamp::Timestamp;

/// A login of a session. The later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) logged_in_at: u64,
    pub(super) id: SessionId,
}

impl Member {
    /// A member of a sorted set; `None` if it is something else, such as the revocation mark.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let Value::BulkString(bytes) = value else {
            return None;
        };
        let mut reader = Reader::new(bytes);
        let logged_in_at = reader.millis()?;
        let id = id_of(reader.rest())?;
        Some(Self { logged_in_at, id })
    }

    /// The member as it is in the sorted set.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = six_bytes(self.logged_in_at).to_vec();
        bytes.extend_from_slice(id_text(self.id).as_bytes());
        bytes
    }

    /// The member of a login that is not finished; see `confirm.lua`.
    pub(super) fn unfinished_bytes(&self) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes.push(b'?');
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
        };
        let read = |bytes| Member::read(&Value::BulkString(bytes));
        assert_eq!(read(member.bytes()), Some(member));
        assert_eq!(read(member.unfinished_bytes()), None);
        assert_eq!(read(b"mark".to_vec()), None);
        assert_eq!(read(Vec::new()), None);
    }
}
