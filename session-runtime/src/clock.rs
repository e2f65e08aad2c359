//! The clock of a store that measures time itself.

use std::fmt;
#[cfg(feature = "testing")]
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
#[cfg(feature = "testing")]
use std::time::SystemTime;

use crate::timestamp::Timestamp;
pub use crate::timestamp::{MAX_MILLIS, millis};

/// A source of time for a store.
///
/// The system clock is read once, when the `Clock` is created; a monotonic timer counts from
/// there. So a change of the system clock neither ends nor prolongs a session. A clone shows the
/// same time.
///
/// ```
/// use connect_session::store::Clock;
///
/// let clock = Clock::system();
/// assert!(clock.now() <= clock.clone().now());
/// ```
#[derive(Clone)]
pub struct Clock {
    /// The system time at the origin.
    wall: Timestamp,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Monotonic(Instant),
    /// Nanoseconds since the origin, advanced by a test.
    #[cfg(feature = "testing")]
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that starts at the current system time.
    #[must_use]
    pub fn system() -> Self {
        Self {
            wall: Timestamp::now(),
            source: Source::Monotonic(Instant::now()),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn manual(wall: SystemTime, nanos: Arc<AtomicU64>) -> Self {
        Self {
            wall: wall.into(),
            source: Source::Manual(nanos),
        }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(self.millis())
    }

    /// Milliseconds since the origin of this clock.
    #[inline]
    pub(crate) fn millis(&self) -> u64 {
        match &self.source {
            Source::Monotonic(origin) => millis(origin.elapsed()),
            #[cfg(feature = "testing")]
            Source::Manual(nanos) => nanos.load(Ordering::SeqCst) / 1_000_000,
        }
    }

    /// The time at this number of milliseconds since the origin.
    #[inline]
    pub(crate) fn at(&self, millis: u64) -> Timestamp {
        Timestamp::from_millis(self.wall.as_millis().saturating_add(millis))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manual = !matches!(self.source, Source::Monotonic(_));
        f.debug_struct("Clock")
            .field("now", &self.now())
            .field("manual", &manual)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_beyond_the_range_saturates() {
        let clock = Clock::system();
        assert!(clock.at(u64::MAX) > clock.now() + Duration::from_millis(MAX_MILLIS / 2));
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
