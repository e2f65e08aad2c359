//! What a case runs on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::store::Store;
use crate::testing::FakeClock;
use crate::untyped::Untyped;

/// A store to test, and the clock that it uses.
pub struct Harness<S> {
    pub(super) store: Arc<S>,
    pub(super) clock: Option<FakeClock>,
    pub(super) unit: Duration,
    pub(super) is_in_steps: bool,
}

impl<S: Store<Untyped>> Harness<S> {
    /// A store that uses a real clock. A unit of time is 200 ms; the usual idle timeout is ten units.
    pub fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            clock: None,
            unit: Duration::from_millis(200),
            is_in_steps: false,
        }
    }

    /// Sets the fake clock that the store uses, so that no case sleeps. A unit is then a minute.
    #[must_use]
    pub fn with_clock(mut self, clock: FakeClock) -> Self {
        self.clock = Some(clock);
        self.unit = Duration::from_secs(60);
        self
    }

    /// Sets the unit of time: a second for a store that keeps its deadlines in whole seconds, or more
    /// on a slow machine. The longest case takes 41 units.
    #[must_use]
    pub fn with_unit(mut self, unit: Duration) -> Self {
        self.unit = unit;
        self
    }

    /// Says that the store changes a record and the index of its subject in several steps, as on a Redis Cluster,
    /// where they are on different servers.
    ///
    /// Two more answers are then correct. While a login is in progress, its session may have the subject without
    /// being listed. A login that is refused because all sessions were ended meanwhile may have ended its own
    /// session, and those beyond its limit. Once the outcome of a login is known, the rules of
    /// [`SubjectIndex`](crate::store::SubjectIndex) hold without exception.
    #[must_use]
    pub fn with_index_in_steps(mut self) -> Self {
        self.is_in_steps = true;
        self
    }
}

impl<S> fmt::Debug for Harness<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("clock", &self.clock)
            .field("unit", &self.unit)
            .finish_non_exhaustive()
    }
}
