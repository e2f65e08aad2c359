//! The app-wide layer. Each adapter implements the middleware trait of its framework for it.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "_layer")]
use std::sync::OnceLock;

use crate::config::SessionConfig;
use crate::store::{AnyStore, Store};
#[cfg(feature = "_layer")]
use crate::{
    config::{prepared, reserved},
    engine::{RequestScope, SessionHeaders},
};

/// Middleware that shares one load of the session among everything below it. It loads the session only
/// when a handler or a view needs it, and never commits.
///
/// The layer is optional: handlers use `#[session(…)]` with or without it. Create it with
/// `Shop::layer()`. With [`with_store`](Self::with_store), everything below it uses another store, for
/// example in a test.
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
    store: Option<Arc<GivenStore<C::Data>>>,
}

/// A store that a layer was given.
struct GivenStore<D> {
    #[cfg_attr(
        not(feature = "_layer"),
        allow(dead_code, reason = "no adapter asks for it")
    )]
    store: AnyStore<D>,
    /// The store, or one that refuses every operation because another config has its keys. Decided with
    /// the first request, because until then the options can change.
    #[cfg(feature = "_layer")]
    reserved: OnceLock<AnyStore<D>>,
    /// Whether it also replaces the stores of the layers below.
    #[cfg(all(feature = "_layer", feature = "testing"))]
    is_of_test_client: bool,
}

impl<C: SessionConfig> SessionLayer<C> {
    /// A layer that uses the config's store.
    #[must_use]
    pub const fn new() -> Self {
        Self { store: None }
    }

    /// Sets the store for everything below the layer, instead of the config's store.
    ///
    /// If another config keeps its sessions under the same namespace in this store, every request gets
    /// a 503, and the event names both configs.
    #[must_use]
    pub fn with_store(self, store: impl Store<C::Data>) -> Self {
        Self {
            store: Some(Arc::new(GivenStore {
                store: AnyStore::new(store),
                #[cfg(feature = "_layer")]
                reserved: OnceLock::new(),
                #[cfg(all(feature = "_layer", feature = "testing"))]
                is_of_test_client: false,
            })),
        }
    }

    /// The layer of a test client: everything below it uses this store, also below a layer with another
    /// one.
    #[cfg(all(feature = "_layer", feature = "testing"))]
    pub(crate) fn of_test_client(store: AnyStore<C::Data>) -> Self {
        Self {
            store: Some(Arc::new(GivenStore {
                store,
                reserved: OnceLock::new(),
                is_of_test_client: true,
            })),
        }
    }
}

/// The interface for adapters.
#[cfg(feature = "_layer")]
impl<C: SessionConfig> SessionLayer<C> {
    /// Returns the scope to put into a request. A layer without its own store reuses the scope of a layer
    /// above it.
    pub(crate) fn enter(&self, above: Option<Arc<RequestScope<C>>>) -> Arc<RequestScope<C>> {
        let scope = above
            .filter(|above| self.store.is_none() || above.is_of_test_client())
            .unwrap_or_else(|| Arc::new(RequestScope::new(self.reserved_store())));
        scope.set_has_layer();
        #[cfg(feature = "testing")]
        if (self.store.as_ref()).is_some_and(|given| given.is_of_test_client) {
            scope.set_of_test_client();
        }
        scope
    }

    fn reserved_store(&self) -> Option<AnyStore<C::Data>> {
        let given = self.store.as_deref()?;
        let reserved = given.reserved.get_or_init(|| reserved::<C>(&given.store));
        Some(reserved.clone())
    }

    /// Returns the response headers for the views below the layer; `None` if no view was extracted.
    pub(crate) fn leave(scope: &RequestScope<C>) -> Option<SessionHeaders> {
        let vary = prepared::<C>().loaders.vary();
        if !scope.view_requested() {
            None
        } else if scope.view_found() {
            Some(SessionHeaders::of_view(vary))
        } else {
            Some(SessionHeaders::of_none(vary).with_repair(scope.repair()))
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
