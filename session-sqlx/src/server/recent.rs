//! What was noticed about a server a moment ago.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long it counts.
const MOMENT: Duration = Duration::from_secs(1);

/// When something was last noticed. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent(Arc<Mutex<Option<Instant>>>);

impl Recent {
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn is_noted(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| at.elapsed() < MOMENT)
    }
}
