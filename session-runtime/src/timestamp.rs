//! A moment, small enough that a record can carry several.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{MAX_MILLIS, millis};

/// A moment of a store's clock, in whole milliseconds since 1970 (UTC).
///
/// It is half as large as a [`SystemTime`], into which and from which it converts. No sum
/// overflows: beyond the last moment that it can tell there is none.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use connect_session::store::Timestamp;
///
/// let now = Timestamp::now();
/// assert!(now + Duration::from_secs(60) > now);
/// assert!(SystemTime::from(now) <= SystemTime::now());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Now, by the clock of the system.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// So many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// How many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after an earlier moment; zero if that one is the later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

/// A time before 1970 is the beginning of 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }
}

/// Where the system cannot tell a moment that late, it is a thousand years after 1970.
impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let at = |millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        at(timestamp.0)
            .or_else(|| at(MAX_MILLIS))
            .unwrap_or(UNIX_EPOCH)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({} ms)", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_overflows_and_no_difference_is_negative() {
        let far = Timestamp::now() + Duration::MAX;
        assert_eq!(far, Timestamp::from_millis(u64::MAX));
        assert!(SystemTime::from(far) > SystemTime::now());
        let first = Timestamp::from(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(first - Duration::MAX, Timestamp::from_millis(0));
        assert_eq!(first.saturating_since(far), Duration::ZERO);
        assert_eq!(SystemTime::from(first), UNIX_EPOCH);
    }
}
