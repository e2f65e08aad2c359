//! The reference of a session to the state that it shares with its guard.

use std::ops::Deref;
use std::sync::Arc;

use crate::config::SessionConfig;
use crate::engine::{Committable, SessionCore};

/// A reference to a [`SessionCore`].
pub(super) struct CoreRef<C: SessionConfig>(Shared<C>);

#[cfg(not(debug_assertions))]
type Shared<C> = Arc<SessionCore<C>>;

/// The type of each handler contains the types in a session. For each handler, the compiler checks that these are `Send`, and
/// each unit of code has debug information for them. A trait object hides them from both.
#[cfg(debug_assertions)]
type Shared<C> = Arc<dyn Core<C>>;

/// A `SessionCore` as a trait object.
trait Core<C: SessionConfig>: Committable {
    fn get(&self) -> &SessionCore<C>;
}

impl<C: SessionConfig> Core<C> for SessionCore<C> {
    #[inline]
    fn get(&self) -> &SessionCore<C> {
        self
    }
}

impl<C: SessionConfig> CoreRef<C> {
    #[inline]
    pub(super) fn new(core: Arc<SessionCore<C>>) -> Self {
        Self(core)
    }

    /// The same state, for the guard that commits it.
    #[inline]
    pub(super) fn committable(&self) -> Arc<dyn Committable> {
        self.0.clone()
    }
}

impl<C: SessionConfig> Clone for CoreRef<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: SessionConfig> Deref for CoreRef<C> {
    type Target = SessionCore<C>;

    #[inline]
    fn deref(&self) -> &SessionCore<C> {
        self.0.get()
    }
}
