//! Counts the store operations of a request, in separate runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::case::{self, Case};

/// Returns the number of a store's operations.
pub type Calls = Box<dyn Fn() -> u64>;

/// A case whose store counts its operations.
pub type Counted = (Box<dyn Case>, Calls);

/// A wrapper that counts the operations of a store. Each library's trait is implemented in the
/// module of that library.
#[derive(Clone, Debug)]
pub struct Counting<S> {
    pub store: S,
    calls: Arc<AtomicU64>,
}

impl<S> Counting<S> {
    pub fn new(store: S) -> (Self, Calls) {
        let calls = Arc::new(AtomicU64::new(0));
        let counting = Self {
            store,
            calls: calls.clone(),
        };
        (counting, Box::new(move || calls.load(Ordering::Relaxed)))
    }

    /// Counts an operation, and returns the store.
    pub fn counted(&self) -> &S {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

/// The number of store operations of one request.
pub fn operations((mut case, calls): Counted) -> f64 {
    const REQUESTS: usize = 64;
    case::batch(&mut *case, REQUESTS);
    case.prepare(REQUESTS);
    let before = calls();
    case.run();
    let operations = calls() - before;
    case.prove();
    operations as f64 / REQUESTS as f64
}
