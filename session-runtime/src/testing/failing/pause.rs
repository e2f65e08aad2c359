//! A pause: commits wait until the test goes on.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

/// Holds commits back until it is released or dropped.
#[must_use = "commits wait only as long as this lives"]
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

    /// Waits until another commit has come to the pause; one that came before counts, once.
    pub async fn reached(&self) {
        if let Ok(arrival) = self.gate.arrived.acquire().await {
            arrival.forget();
        }
    }

    /// Lets every commit go on.
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
    /// Says that a commit is here, and waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.arrived.add_permits(1);
        // An error would say that the gate is gone.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}
