//! Conversions between the values of a record and those of columns.

use std::time::Duration;

use connect_session_runtime::clock::{MAX_MILLIS, millis};
use connect_session_runtime::record::{Lifetime, Transport};
use connect_session_runtime::timestamp::Timestamp;

pub(super) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn transport_code(transport: Transport) -> i16 {
    match transport {
        Transport::Other => 0,
        Transport::Cookie => 1,
    }
}

/// A duration in milliseconds; one that is too long for any use is a thousand years, so that no
/// sum with a moment overflows.
pub(super) fn to_millis(duration: Duration) -> i64 {
    i64::try_from(millis(duration).min(MAX_MILLIS)).unwrap_or(i64::MAX)
}

pub(super) fn lifetime(idle: i64, absolute: i64) -> Lifetime {
    let millis = |millis| u64::try_from(millis).unwrap_or(0);
    Lifetime::from_millis(millis(idle), millis(absolute))
}

pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(super) fn unix_millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_of_a_moment_and_a_length_overflows() {
        let now = unix_millis(Timestamp::now());
        assert!(now.checked_add(to_millis(Duration::MAX)).is_some());
        assert!(timestamp(now + to_millis(Duration::MAX)) > Timestamp::now());
    }
}
