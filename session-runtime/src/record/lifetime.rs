//! How long a session lives.

use std::time::Duration;

use crate::clock::millis;
use crate::timestamp::Timestamp;

/// How long a session lives, in whole milliseconds. A store counts both durations from the current
/// time of its own clock.
///
/// ```
/// use std::time::Duration;
///
/// use connect_session_runtime::record::Lifetime;
///
/// let lifetime = Lifetime::new(Duration::from_secs(1_800), Duration::from_secs(86_400));
/// assert_eq!(lifetime.idle_millis(), 1_800_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    idle_millis: u64,
    absolute_millis: u64,
}

impl Lifetime {
    /// A lifetime that ends after `idle` without a request, and after `absolute` in any case. Both
    /// are rounded down to milliseconds.
    #[must_use]
    pub fn new(idle: Duration, absolute: Duration) -> Self {
        Self::from_millis(millis(idle), millis(absolute))
    }

    /// The same, in milliseconds.
    #[must_use]
    pub const fn from_millis(idle_millis: u64, absolute_millis: u64) -> Self {
        Self {
            idle_millis,
            absolute_millis,
        }
    }

    /// The time without a request after which the session ends.
    #[must_use]
    pub const fn idle(self) -> Duration {
        Duration::from_millis(self.idle_millis)
    }

    /// The time after which the session ends in any case.
    #[must_use]
    pub const fn absolute(self) -> Duration {
        Duration::from_millis(self.absolute_millis)
    }

    /// The idle time in milliseconds.
    #[must_use]
    pub const fn idle_millis(self) -> u64 {
        self.idle_millis
    }

    /// The absolute time in milliseconds.
    #[must_use]
    pub const fn absolute_millis(self) -> u64 {
        self.absolute_millis
    }
}

/// The deadlines of a record, by the clock of its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// When the session was created.
    pub created_at: Timestamp,
    /// When it ends if no request uses it before. Until the first load, this is the end of the
    /// `first_use_timeout` if that is earlier.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub absolute_until: Timestamp,
}

impl Deadlines {
    /// When the session ends if no request uses it before: the earlier of the two deadlines.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.idle_until.min(self.absolute_until)
    }
}
