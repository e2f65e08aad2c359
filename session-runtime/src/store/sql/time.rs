//! Times in milliseconds since 1970, as a row keeps them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{FAR, millis};
use crate::record::Lifetime;

/// A duration in milliseconds; one that is too long for any use is a thousand years, so that no
/// sum with a moment overflows.
pub(super) fn length(duration: Duration) -> i64 {
    i64::try_from(millis(duration).min(FAR)).unwrap_or(i64::MAX)
}

pub(super) fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(super) fn lifetime(idle: i64, absolute: i64) -> Lifetime {
    Lifetime {
        idle: duration(idle),
        absolute: duration(absolute),
    }
}

pub(super) fn moment(millis: i64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(duration(millis))
        .unwrap_or(UNIX_EPOCH)
}

pub(super) fn since_1970(moment: SystemTime) -> i64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_of_a_moment_and_a_length_overflows() {
        let now = since_1970(SystemTime::now());
        assert!(now.checked_add(length(Duration::MAX)).is_some());
        assert!(moment(now + length(Duration::MAX)) > SystemTime::now());
    }
}
