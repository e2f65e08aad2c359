//! An estimate of the server's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use connect_session_runtime::timestamp::Timestamp;

use crate::convert::{to_i64, to_u64};
use crate::operations::to_millis;

/// The server's clock, as of the latest answer that contained its time. Clones share the estimate.
#[derive(Debug, Clone)]
pub(crate) struct ServerClock(Arc<Estimate>);

#[derive(Debug)]
struct Estimate {
    origin: Instant,
    /// The server's time at the origin.
    at_origin: AtomicI64,
}

impl ServerClock {
    /// Until the first answer, the time of this machine.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Estimate {
            origin: Instant::now(),
            at_origin: AtomicI64::new(to_i64(Timestamp::now().as_millis())),
        }))
    }

    /// Sets the estimate to the server's time, in milliseconds since 1970.
    pub(crate) fn observe(&self, server: i64) {
        let at_origin = server.saturating_sub(to_millis(self.0.origin.elapsed()));
        self.0.at_origin.store(at_origin, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        let at_origin = self.0.at_origin.load(Ordering::Relaxed);
        let now = at_origin.saturating_add(to_millis(self.0.origin.elapsed()));
        Timestamp::from_millis(to_u64(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_continues_from_the_last_observed_time() {
        let clock = ServerClock::new();
        clock.observe(1_000);
        let now = clock.now().as_millis();
        assert!((1_000..60_000).contains(&now), "{now}");
    }
}
