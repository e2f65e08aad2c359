//! A point in time, small enough for a record to hold several.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A thousand years in milliseconds: later than any useful deadline.
pub const MAX_MILLIS: u64 = 1_000 * 365 * 86_400 * 1_000;

/// A duration in whole milliseconds, saturating at `u64::MAX`.
#[inline]
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    // `Duration::as_millis` computes in 128 bits, which every request would pay for.
    let millis = duration.as_secs().saturating_mul(1_000);
    millis.saturating_add(duration.subsec_millis().into())
}

/// A point in time by a store's clock, in whole milliseconds since 1970-01-01 00:00 UTC.
///
/// It is half the size of a [`SystemTime`], and converts from and into one. Arithmetic saturates
/// instead of overflowing.
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
    /// The current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Creates a timestamp from milliseconds since 1970.
    #[must_use]
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The milliseconds since 1970.
    #[must_use]
    #[inline]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time elapsed since `earlier`; zero if `earlier` is later than `self`.
    #[must_use]
    #[inline]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    #[inline]
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    #[inline]
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

/// A time before 1970 becomes the start of 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }
}

/// A time that the system cannot represent becomes a thousand years after 1970.
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
    fn arithmetic_saturates() {
        let far = Timestamp::now() + Duration::MAX;
        assert_eq!(far, Timestamp::from_millis(u64::MAX));
        assert!(SystemTime::from(far) > SystemTime::now());
        let first = Timestamp::from(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(first - Duration::MAX, Timestamp::from_millis(0));
        assert_eq!(first.saturating_since(far), Duration::ZERO);
        assert_eq!(SystemTime::from(first), UNIX_EPOCH);
    }
}
