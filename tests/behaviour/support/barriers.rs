//! Named gates at which scripts wait for each other, so that requests overlap deterministically and
//! no test sleeps.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

static GATES: Mutex<Option<HashMap<String, Arc<Semaphore>>>> = Mutex::new(None);

/// A gate with a unique name. It serializes as that name, so that a script can refer to it.
#[derive(Debug, Clone)]
pub struct Gate {
    name: String,
    semaphore: Arc<Semaphore>,
}

impl Gate {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self::named(&format!("gate {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The gate of this name; creates it if necessary.
    pub fn named(name: &str) -> Self {
        let mut gates = GATES.lock().unwrap();
        let gates = gates.get_or_insert_default();
        let semaphore = gates
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(0)));
        Self {
            name: name.to_owned(),
            semaphore: semaphore.clone(),
        }
    }

    /// Adds `many` signals.
    pub fn open(&self, many: usize) {
        self.semaphore.add_permits(many);
    }

    /// Waits for one signal and consumes it.
    pub async fn pass(&self) {
        self.pass_after(1).await;
    }

    /// Waits for `many` signals and consumes them.
    pub async fn pass_after(&self, many: u32) {
        self.semaphore.acquire_many(many).await.unwrap().forget();
    }

    /// The number of signals that have not been consumed.
    pub fn waiting(&self) -> usize {
        self.semaphore.available_permits()
    }
}

impl Serialize for Gate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}
