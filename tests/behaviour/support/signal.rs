//! Named signals for which scripts wait, so that requests overlap deterministically and no test
//! sleeps.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

static SIGNALS: Mutex<Option<HashMap<String, Arc<Semaphore>>>> = Mutex::new(None);

/// A signal with a unique name. It serializes as that name, so that a script can refer to it.
#[derive(Debug, Clone)]
pub struct Signal {
    name: String,
    semaphore: Arc<Semaphore>,
}

impl Signal {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self::named(&format!("signal {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The signal of this name; creates it if necessary.
    pub fn named(name: &str) -> Self {
        let mut signals = SIGNALS.lock().unwrap();
        let signals = signals.get_or_insert_default();
        let semaphore = signals
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(0)));
        Self {
            name: name.to_owned(),
            semaphore: semaphore.clone(),
        }
    }

    /// Sends the signal `times` times.
    pub fn send(&self, times: usize) {
        self.semaphore.add_permits(times);
    }

    /// Waits until the signal is sent once.
    pub async fn wait(&self) {
        self.wait_for(1).await;
    }

    /// Waits until the signal is sent `times` times. A signal wakes only one waiter.
    pub async fn wait_for(&self, times: u32) {
        self.semaphore.acquire_many(times).await.unwrap().forget();
    }

    /// How often the signal was sent without a waiter that received it.
    pub fn unreceived(&self) -> usize {
        self.semaphore.available_permits()
    }
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}
