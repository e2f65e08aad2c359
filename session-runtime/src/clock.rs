//! The clock of a store that keeps time itself.

use std::fmt;
#[cfg(feature = "testing")]
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "testing")]
use std::time::SystemTime;
use std::time::{Duration, Instant};

use crate::timestamp::Timestamp;

/// A thousand years in milliseconds: later than any useful deadline.
pub const MAX_MILLIS: u64 = 1_000 * 365 * 86_400 * 1_000;

/// What tells a store the time.
///
/// The clock of the system is read once, when the `Clock` is made; from then on a monotonic
/// timer counts. So nothing ends, and nothing lives longer, because somebody set the system's
/// clock. A clone tells the same time.
///
/// ```
/// use connect_session::store::Clock;
///
/// let clock = Clock::system();
/// assert!(clock.now() <= clock.clone().now());
/// ```
#[derive(Clone)]
pub struct Clock {
    /// What the system's clock said at the origin.
    wall: Timestamp,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Monotonic(Instant),
    /// Nanoseconds since the origin, moved by hand.
    #[cfg(feature = "testing")]
    ByHand(Arc<AtomicU64>),
}

impl Clock {
    /// The time of the system, from now on by a monotonic timer.
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
            source: Source::ByHand(nanos),
        }
    }

    /// Now.
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
            Source::ByHand(nanos) => nanos.load(Ordering::SeqCst) / 1_000_000,
        }
    }

    /// The moment at so many milliseconds since the origin.
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

/// A duration in whole milliseconds, saturating at `u64::MAX`.
#[inline]
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    // `Duration::as_millis` counts in 128 bits, which every request would pay for.
    let millis = duration.as_secs().saturating_mul(1_000);
    millis.saturating_add(duration.subsec_millis().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_all_time_is_a_moment_and_no_panic() {
        let clock = Clock::system();
        assert!(clock.at(u64::MAX) > clock.now() + Duration::from_millis(MAX_MILLIS / 2));
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
