//! Durations in milliseconds, as statements take them.

use std::time::Duration;

use connect_session_runtime::clock::{MAX_MILLIS, millis};

use crate::convert::to_i64;

/// A duration in milliseconds, limited to [`MAX_MILLIS`] so that its sum with a time cannot overflow.
pub(crate) fn to_millis(duration: Duration) -> i64 {
    to_i64(millis(duration).min(MAX_MILLIS))
}

#[cfg(test)]
mod tests {
    use connect_session_runtime::timestamp::Timestamp;

    use super::*;

    #[test]
    fn the_sum_of_a_time_and_any_duration_does_not_overflow() {
        let now = to_i64(Timestamp::now().as_millis());
        assert!(now.checked_add(to_millis(Duration::MAX)).is_some());
    }
}
