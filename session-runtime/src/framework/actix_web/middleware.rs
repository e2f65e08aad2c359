//! The middleware of a [`SessionLayer`].

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use pin_project_lite::pin_project;

use super::super::layer::SessionLayer;
use super::super::scope::scope_of;
use super::commits::{self, Committing};
use super::scopes::with_scopes;
use crate::config::SessionConfig;
use crate::engine::RequestScope;

impl<C, S, B> Transform<S, ServiceRequest> for SessionLayer<C>
where
    C: SessionConfig,
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Transform = SessionMiddleware<C, S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionMiddleware {
            layer: self.clone(),
            inner,
        }))
    }
}

/// The middleware of a [`SessionLayer`].
pub struct SessionMiddleware<C: SessionConfig, S> {
    layer: SessionLayer<C>,
    inner: S,
}

impl<C: SessionConfig, S> fmt::Debug for SessionMiddleware<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C, S, B> Service<ServiceRequest> for SessionMiddleware<C, S>
where
    C: SessionConfig,
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = SessionMiddlewareFuture<C, S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let scope = with_scopes(&mut request.extensions_mut(), |scopes| {
            let scope = self.layer.enter(scope_of::<C>(scopes));
            scopes.insert(scope.clone());
            scope
        });
        SessionMiddlewareFuture {
            inner: self.inner.call(request),
            scope,
            committing: None,
        }
    }
}

pin_project! {
    /// The response future of [`SessionMiddleware`].
    pub struct SessionMiddlewareFuture<C: SessionConfig, F, B> {
        #[pin]
        inner: F,
        scope: Arc<RequestScope<C>>,
        // The commits of handlers whose response has decided about them.
        committing: Option<Committing<B>>,
    }
}

impl<C: SessionConfig, F, B> fmt::Debug for SessionMiddlewareFuture<C, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddlewareFuture")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C, F, B, E> Future for SessionMiddlewareFuture<C, F, B>
where
    C: SessionConfig,
    F: Future<Output = Result<ServiceResponse<B>, E>>,
    B: 'static,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = if let Some(committing) = this.committing {
            task::ready!(committing.as_mut().poll(cx))
        } else {
            let response = task::ready!(this.inner.poll(cx))?;
            let commits = commits::take(response.request());
            if commits.is_empty() {
                response.map_into_left_body()
            } else {
                let committing = Box::pin(commits::commit(commits, response));
                let committing = this.committing.insert(committing);
                task::ready!(committing.as_mut().poll(cx))
            }
        };
        if let Some(headers) = SessionLayer::leave(this.scope) {
            headers.apply(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}
