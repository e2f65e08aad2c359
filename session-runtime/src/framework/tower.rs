//! tower: the app-wide layer for services that take an `http` request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::layer::SessionLayer;
use super::scope::scope_of;
use crate::config::SessionConfig;
use crate::engine::RequestScope;

impl<C: SessionConfig, S> Layer<S> for SessionLayer<C> {
    type Service = SessionService<C, S>;

    fn layer(&self, inner: S) -> SessionService<C, S> {
        SessionService {
            layer: self.clone(),
            inner,
        }
    }
}

/// The service of a [`SessionLayer`].
pub struct SessionService<C: SessionConfig, S> {
    layer: SessionLayer<C>,
    inner: S,
}

impl<C: SessionConfig, S: Clone> Clone for SessionService<C, S> {
    fn clone(&self) -> Self {
        Self {
            layer: self.layer.clone(),
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
        let scope = self.layer.enter(scope_of::<C>(request.extensions()));
        request.extensions_mut().insert(scope.clone());
        SessionFuture {
            inner: self.inner.call(request),
            scope,
        }
    }
}

pin_project! {
    /// The response future of [`SessionService`].
    pub struct SessionFuture<C: SessionConfig, F> {
        #[pin]
        inner: F,
        scope: Arc<RequestScope<C>>,
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
            && let Some(headers) = SessionLayer::leave(this.scope)
        {
            headers.apply(response.headers_mut());
        }
        Poll::Ready(outcome)
    }
}
