//! How often a request asks its store, which is counted in runs of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::case::{self, Case};

/// How often a store has been asked.
pub type Calls = Box<dyn Fn() -> u64>;

/// A case whose store counts.
pub type Counted = (Box<dyn Case>, Calls);

/// A store around another that counts what it is asked; each library's trait is implemented where
/// that library is.
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

    /// The store, which is about to be asked.
    pub fn asked(&self) -> &S {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

/// Store operations of one request.
pub fn operations((mut case, calls): Counted) -> f64 {
    const REQUESTS: usize = 64;
    case::batch(&mut *case, REQUESTS);
    case.prepare(REQUESTS);
    let before = calls();
    case.run();
    let asked = calls() - before;
    case.prove();
    asked as f64 / REQUESTS as f64
}
