//! Times in milliseconds since 1970, as a row keeps them.

use std::time::Duration;

use connect_session_runtime::clock::{MAX_MILLIS, millis};
use connect_session_runtime::record::Lifetime;
use connect_session_runtime::timestamp::Timestamp;

/// A duration in milliseconds; one that is too long for any use is a thousand years, so that no
/// sum with a moment overflows.
pub(super) fn length(duration: Duration) -> i64 {
    i64::try_from(millis(duration).min(MAX_MILLIS)).unwrap_or(i64::MAX)
}

pub(super) fn lifetime(idle: i64, absolute: i64) -> Lifetime {
    let millis = |millis| u64::try_from(millis).unwrap_or(0);
    Lifetime::from_millis(millis(idle), millis(absolute))
}

pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(super) fn since_1970(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_of_a_moment_and_a_length_overflows() {
        let now = since_1970(Timestamp::now());
        assert!(now.checked_add(length(Duration::MAX)).is_some());
        assert!(moment(now + length(Duration::MAX)) > Timestamp::now());
    }
}
