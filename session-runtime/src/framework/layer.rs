//! The app-wide layer, for every tower service of `http` requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::http::layer_of;
use crate::config::{SessionConfig, prepared};
use crate::engine::{Emission, LoadCache};
use crate::store::{GivenStore, Store};

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
    store: Option<GivenStore<C::Data>>,
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
            store: Some(GivenStore::new(store)),
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

impl<C: SessionConfig, S> Layer<S> for SessionLayer<C> {
    type Service = SessionService<C, S>;

    fn layer(&self, inner: S) -> SessionService<C, S> {
        SessionService {
            store: self.store.clone(),
            inner,
        }
    }
}

/// The service that a [`SessionLayer`] makes.
pub struct SessionService<C: SessionConfig, S> {
    store: Option<GivenStore<C::Data>>,
    inner: S,
}

impl<C: SessionConfig, S: Clone> Clone for SessionService<C, S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<C: SessionConfig, S> fmt::Debug for SessionService<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C, S, B, R> Service<Request<B>> for SessionService<C, S>
where
    C: SessionConfig,
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = SessionFuture<C, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // A layer that brings no store leaves the one that a layer above it brought.
        let above = layer_of::<C>(request.extensions()).filter(|_| self.store.is_none());
        let cache = above.unwrap_or_else(|| Arc::new(LoadCache::<C>::new(self.store.clone())));
        request.extensions_mut().insert(cache.clone());
        SessionFuture {
            inner: self.inner.call(request),
            cache,
        }
    }
}

pin_project! {
    /// The response of a [`SessionService`].
    pub struct SessionFuture<C: SessionConfig, F> {
        #[pin]
        inner: F,
        cache: Arc<LoadCache<C>>,
    }
}

impl<C: SessionConfig, F> fmt::Debug for SessionFuture<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFuture")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C, F, R, E> Future for SessionFuture<C, F>
where
    C: SessionConfig,
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut outcome = std::task::ready!(this.inner.poll(cx));
        if let Ok(response) = &mut outcome
            && this.cache.looked.load(Ordering::Relaxed)
        {
            let vary = prepared::<C>().wire.vary();
            let emission = if this.cache.viewed.load(Ordering::Relaxed) {
                Emission::of_view(vary)
            } else {
                Emission::of_none(vary)
            };
            emission.apply(response.headers_mut());
        }
        Poll::Ready(outcome)
    }
}
