//! Durations and times in milliseconds, as statements take and return them.

use std::time::Duration;

use connect_session_runtime::clock::{MAX_MILLIS, millis};
use connect_session_runtime::timestamp::Timestamp;

use crate::convert::{to_i64, to_u64};

/// A duration in milliseconds, limited to [`MAX_MILLIS`] so that its sum with a time cannot overflow.
pub(crate) fn to_millis(duration: Duration) -> i64 {
    to_i64(millis(duration).min(MAX_MILLIS))
}

pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(to_u64(millis))
}

pub(crate) fn unix_millis(timestamp: Timestamp) -> i64 {
    to_i64(timestamp.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_time_and_any_duration_does_not_overflow() {
        let now = unix_millis(Timestamp::now());
        assert!(now.checked_add(to_millis(Duration::MAX)).is_some());
        assert!(timestamp(now + to_millis(Duration::MAX)) > Timestamp::now());
    }
}
