//! How a session holds what it shares with its guard.

use std::ops::Deref;
use std::sync::Arc;

use crate::config::SessionConfig;
use crate::engine::{Committable, SessionCore};

/// The `SessionCore` of a session.
pub(super) struct CoreRef<C: SessionConfig>(Shared<C>);

#[cfg(not(debug_assertions))]
type Shared<C> = Arc<SessionCore<C>>;

/// The types in a session are part of the type of each handler. For each of the handlers, the compiler searches them for one that
/// is not `Send`, and it describes them to debuggers in each unit of code. Behind a trait object, it does not look.
#[cfg(debug_assertions)]
type Shared<C> = Arc<dyn Core<C>>;

/// A `SessionCore`, without its type.
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

    /// What a guard commits.
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
