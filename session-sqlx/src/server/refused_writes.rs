//! Whether the server is known to refuse writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long writes that are not essential are left out.
const PAUSE: Duration = Duration::from_secs(1);

/// When the server last refused a write on a new connection. A read-only server would otherwise cost
/// every load a refused write and a new connection. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedWrites(Arc<Mutex<Option<Instant>>>);

impl RefusedWrites {
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn are_expected(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| at.elapsed() < PAUSE)
    }
}
