//! A pause: commits wait until the test releases them.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

/// Holds commits back until it is released or dropped.
#[must_use = "dropping the pause releases the commits"]
pub struct Pause {
    gate: Arc<Gate>,
}

pub(super) struct Gate {
    arrived: Semaphore,
    open: watch::Sender<bool>,
}

impl Pause {
    pub(super) fn new() -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate {
            arrived: Semaphore::new(0),
            open: watch::Sender::new(false),
        });
        (Self { gate: gate.clone() }, gate)
    }

    /// Waits until a commit has reached the pause. Each commit ends only one call of `reached`, whether
    /// it arrives before or after the call.
    pub async fn reached(&self) {
        if let Ok(arrival) = self.gate.arrived.acquire().await {
            arrival.forget();
        }
    }

    /// Lets the commits continue.
    pub fn release(self) {}
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.gate.open.send_replace(true);
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause")
            .field("arrived", &self.gate.arrived.available_permits())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Reports the arrival of a commit, and waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.arrived.add_permits(1);
        // Never fails: `self` holds the sender.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}
