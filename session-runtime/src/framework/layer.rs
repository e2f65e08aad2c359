//! The app-wide layer: what it is on every framework. Each adapter says how it is put around
//! handlers there.

use std::fmt;
#[cfg(feature = "_layer")]
use std::sync::Arc;

use crate::config::SessionConfig;
use crate::store::{AnyStore, Store};
#[cfg(feature = "_layer")]
use crate::{
    config::prepared,
    engine::{Emission, LoadCache},
};

/// Loads the session of a request once for everything below it, and only when it is asked for. It
/// is an option, never a requirement: handlers say `#[session(…)]` with or without it, and it
/// never commits.
///
/// It is made by the config: `Shop::layer()`. With [`with_store`](Self::with_store) everything
/// below it uses another store, as a test does.
///
/// ```
/// # #[cfg(feature = "axum")] mod example {
/// use axum::{Router, routing::get};
/// use connect_session::store::MemoryStore;
/// use connect_session::{Session, session, session_config};
///
/// session_config! {
///     struct Api {}
/// }
///
/// #[session(load)]
/// async fn show(session: Session<Api>) -> String {
///     session.id().to_string()
/// }
///
/// fn app() -> Router {
///     Router::new().route("/", get(show)).layer(Api::layer().with_store(MemoryStore::default()))
/// }
/// # }
/// ```
pub struct SessionLayer<C: SessionConfig> {
    store: Option<AnyStore<C::Data>>,
}

impl<C: SessionConfig> SessionLayer<C> {
    /// A layer of the config with its own store.
    #[must_use]
    pub const fn new() -> Self {
        Self { store: None }
    }

    /// The store for everything below the layer, instead of the config's own.
    #[must_use]
    pub fn with_store(self, store: impl Store<C::Data>) -> Self {
        Self {
            store: Some(AnyStore::new(store)),
        }
    }
}

/// What the adapters ask of a layer.
#[cfg(feature = "_layer")]
impl<C: SessionConfig> SessionLayer<C> {
    /// What the layer leaves in a request for everything below it. A layer that brings no store
    /// leaves what a layer above it brought.
    pub(crate) fn enter(&self, above: Option<Arc<LoadCache<C>>>) -> Arc<LoadCache<C>> {
        above
            .filter(|_| self.store.is_none())
            .unwrap_or_else(|| Arc::new(LoadCache::new(self.store.clone())))
    }

    /// What the response says because of what was seen below the layer; `None` if nothing looked
    /// for a session.
    pub(crate) fn leave(cache: &LoadCache<C>) -> Option<Emission> {
        let vary = prepared::<C>().loaders.vary();
        if !cache.looked() {
            None
        } else if cache.viewed() {
            Some(Emission::of_view(vary))
        } else {
            Some(Emission::of_none(vary))
        }
    }
}

impl<C: SessionConfig> Default for SessionLayer<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: SessionConfig> Clone for SessionLayer<C> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
        }
    }
}

impl<C: SessionConfig> fmt::Debug for SessionLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}
