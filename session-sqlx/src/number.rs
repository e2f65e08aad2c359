//! Numbers as a row keeps them.

use connect_session_runtime::record::Transport;

pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn way(transport: Transport) -> i16 {
    match transport {
        Transport::Other => 0,
        Transport::Cookie => 1,
    }
}
