//! A clock that only a test advances.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::clock::Clock;

/// 2024-01-01T00:00:00Z.
const START: Duration = Duration::from_secs(1_704_067_200);

/// A clock that stands still until [`advance`](Self::advance) is called. It starts at
/// 2024-01-01T00:00:00Z. Its clones, and every [`Clock`] made from it, show the same time.
///
/// ```
/// use std::time::Duration;
/// use connect_session::store::MemoryStore;
/// use connect_session::testing::FakeClock;
/// use connect_session::Untyped;
///
/// let clock = FakeClock::new();
/// let store: MemoryStore<Untyped> = MemoryStore::builder().clock(clock.clone()).build();
/// clock.advance(Duration::from_secs(31 * 60)); // every idle session has expired
/// # let _ = store;
/// ```
#[derive(Clone, Default)]
pub struct FakeClock {
    nanos: Arc<AtomicU64>,
}

impl FakeClock {
    /// A clock at 2024-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let add = |now: u64| Some(now.saturating_add(nanos));
        let _ = self
            .nanos
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        Clock::from(self).now().into()
    }
}

impl From<FakeClock> for Clock {
    fn from(clock: FakeClock) -> Self {
        Self::manual(SystemTime::UNIX_EPOCH + START, clock.nanos)
    }
}

impl From<&FakeClock> for Clock {
    fn from(clock: &FakeClock) -> Self {
        clock.clone().into()
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeClock").field(&self.now()).finish()
    }
}
