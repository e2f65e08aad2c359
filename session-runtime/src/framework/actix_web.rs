//! actix-web 4, which uses `http` 0.2.

mod failure;

use std::borrow::Cow;
use std::cell::Ref;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{
    Extensions as Local, Payload, Service, ServiceRequest, ServiceResponse, Transform,
};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap as Headers, HeaderName as Name, HeaderValue as Value};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, ResponseError};
use http::{Extensions, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use pin_project_lite::pin_project;

use super::http::{AnyRequest, scope_of, shared_scope};
use super::layer::SessionLayer;
use super::missing_attribute::NeedsSessionAttribute;
use crate::config::SessionConfig;
use crate::engine::{self, Overrides, ReplyHeaders, RequestScope};
use crate::error::{Error, ErrorKind};
use crate::guard::{self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply};
use crate::loader::{HeadSource, RequestHead};
use crate::session::Session;
use crate::view::SessionView;

/// The values of a header, in order. Iterates, because a lookup needs a copy of the name in the type of
/// `http` 0.2.
fn values<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let headers = request.headers().iter();
    let same = headers.filter(move |(key, _)| key.as_str() == name.as_str());
    same.map(|(_, value)| value.as_bytes())
}

impl HeadSource for HttpRequest {
    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn path(&self) -> &str {
        self.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = values(self, name);
        Some((values.next()?, values.next().is_some()))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        values(self, name).for_each(visit);
    }

    fn is_tls(&self) -> bool {
        self.app_config().secure()
    }

    fn authority(&self) -> Option<&str> {
        Some(self.uri().authority()?.as_str())
    }

    /// actix-web does not decode `%2F`, `%25` and `%2B` in parameters.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        percent_decode_str(self.match_info().get(name)?)
            .decode_utf8()
            .ok()
    }
}

/// The scopes that layers and guards have put into a request, of every config.
#[derive(Default)]
struct Scopes(Extensions);

/// Changes the scopes of a request.
fn with_scopes<T>(extensions: &mut Local, change: impl FnOnce(&mut Extensions) -> T) -> T {
    let mut scopes = extensions.remove::<Scopes>().unwrap_or_default();
    let result = change(&mut scopes.0);
    extensions.insert(scopes);
    result
}

impl AnyRequest for HttpRequest {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let extensions = self.extensions();
        let scopes = Ref::filter_map(extensions, Local::get::<Scopes>).ok();
        let none = Extensions::new();
        let scopes = scopes.as_ref().map_or(&none, |scopes| &scopes.0);
        read(RequestHead::new(self), scopes)
    }
}

impl<S, M, O> FromRequest for SessionGuard<S, M, O>
where
    S: SessionArg + 'static,
    M: Mode,
    O: Overrides,
{
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if O::MAY_FORWARD {
            with_scopes(&mut request.extensions_mut(), shared_scope::<S::Config>);
        }
        let context =
            request.read(|head, scopes| engine::extract::<S::Config, O>(head, scope_of(scopes)));
        Box::pin(async move { guard::open(&context).await })
    }
}

/// With `Option<SessionView>`, actix-web turns every error into `None`, including a failed store.
/// [`SessionView::of_request`] distinguishes them.
impl<C: SessionConfig> FromRequest for SessionView<C> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context =
            request.read(|head, scopes| engine::extract::<C, Inherit>(head, scope_of(scopes)));
        Box::pin(async move {
            match engine::view(&context).await {
                Ok(Some((id, loaded))) => Ok(Self::new(id, loaded)),
                Ok(None) => Err(Rejection::refuse(&context, context.no_session_error())),
                Err(error) => Err(Rejection::refuse(&context, error)),
            }
        })
    }
}

impl<C: SessionConfig + NeedsSessionAttribute> FromRequest for Session<C> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Err(Error::new(ErrorKind::Missing)))
    }
}

impl<R: Responder> Responder for SessionReply<R> {
    type Body = EitherBody<R::Body>;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        match self.into_outcome() {
            Ok((value, headers)) => {
                let mut response = value.respond_to(request);
                headers.apply(response.headers_mut());
                response.map_into_left_body()
            }
            Err(rejection) => HttpResponse::from_error(rejection).map_into_right_body(),
        }
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        status(self.status())
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        response(self.to_response())
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.status())
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        response(self.to_response())
    }
}

fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn response(source: http::Response<String>) -> HttpResponse<BoxBody> {
    let (head, body) = source.into_parts();
    let mut response = HttpResponse::with_body(status(head.status), BoxBody::new(body));
    for (name, value) in &head.headers {
        response.headers_mut().add(name, value.clone());
    }
    response
}

impl ReplyHeaders for Headers {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        let values = self.get_all(name.as_str());
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        if let Some((name, value)) = to_http_02(name, &value) {
            self.insert(name, value);
        }
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let is_missing = !self.contains_key(name.as_str());
        if is_missing {
            self.set(name, value);
        }
        is_missing
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let Some((name, value)) = to_http_02(name, &value) else {
            return false;
        };
        let had_value = self.contains_key(&name);
        self.append(name, value);
        had_value
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let removed = self.remove(name.as_str());
        for value in removed.filter(|value| keeps(value.as_bytes())) {
            if let Ok(name) = Name::from_bytes(name.as_str().as_bytes()) {
                self.append(name, value);
            }
        }
    }
}

/// Converts a header to `http` 0.2, which accepts the same names and values.
fn to_http_02(name: &HeaderName, value: &HeaderValue) -> Option<(Name, Value)> {
    let name = Name::from_bytes(name.as_str().as_bytes()).ok()?;
    let mut converted = Value::from_bytes(value.as_bytes()).ok()?;
    converted.set_sensitive(value.is_sensitive());
    Some((name, converted))
}

impl<C, S, B> Transform<S, ServiceRequest> for SessionLayer<C>
where
    C: SessionConfig,
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<B>;
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
{
    type Response = ServiceResponse<B>;
    type Error = S::Error;
    type Future = SessionMiddlewareFuture<C, S::Future>;

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
        }
    }
}

pin_project! {
    /// The response future of [`SessionMiddleware`].
    pub struct SessionMiddlewareFuture<C: SessionConfig, F> {
        #[pin]
        inner: F,
        scope: Arc<RequestScope<C>>,
    }
}

impl<C: SessionConfig, F> fmt::Debug for SessionMiddlewareFuture<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddlewareFuture")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C, F, B, E> Future for SessionMiddlewareFuture<C, F>
where
    C: SessionConfig,
    F: Future<Output = Result<ServiceResponse<B>, E>>,
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
