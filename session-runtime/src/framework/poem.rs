//! poem 3.
//!
//! A handler's `Err` stays an error at first: poem converts it to a response later, unless
//! `catch_error` handles it. Such an error keeps its type if possible, so that it can be caught, and
//! carries the headers of the session; see `attach`.

#[cfg(feature = "poem-openapi")]
mod openapi;

use std::borrow::Cow;
use std::fmt;

use http::uri::Scheme;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri};
use poem::error::{IntoResult, ResponseError};
use poem::{
    Body, Endpoint, FromRequest, IntoResponse, Middleware, Request, RequestBody, Response, Result,
};

#[cfg(feature = "poem-openapi")]
pub use self::openapi::{ApiGuard, ApiReply};
use super::any_request::AnyRequest;
use super::http_head::{HttpHead, HttpParts};
use super::layer::SessionLayer;
use super::missing_attribute::NeedsSessionAttribute;
use super::scope::scope_of;
use crate::config::SessionConfig;
use crate::engine::{self, Overrides, SessionHeaders};
use crate::error::{Error, ErrorKind};
use crate::guard::{
    self, Answer, Convert, EarlyResponse, Inherit, Mode, Probe, Rejection, SessionArg,
    SessionGuard, SessionReply, StatusKnown, ViaPoem, is_success,
};
use crate::loader::RequestHead;
use crate::session::{LoggedIn, Session};
use crate::view::SessionView;

/// Reads the head of a request.
fn with_head<T>(request: &Request, read: impl FnOnce(RequestHead<'_>) -> T) -> T {
    let find = |name: &str| request.raw_path_param(name).map(Cow::Borrowed);
    read(RequestHead::new(&HttpHead {
        parts: request,
        params: &find,
    }))
}

impl HttpParts for Request {
    fn method(&self) -> &Method {
        self.method()
    }

    fn uri(&self) -> &Uri {
        self.uri()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn original_uri(&self) -> &Uri {
        self.original_uri()
    }

    fn is_tls(&self) -> bool {
        *self.scheme() == Scheme::HTTPS
    }
}

impl<'a, S, M, O> FromRequest<'a> for SessionGuard<S, M, O>
where
    S: SessionArg,
    M: Mode,
    O: Overrides,
{
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let scope = scope_of(request.extensions());
        let context = with_head(request, |head| engine::extract::<S::Config, O>(head, scope));
        Ok(guard::open(&context, StatusKnown::AfterPoem).await?)
    }
}

/// With `Option<SessionView>`, poem turns every error into `None`, including a failed store.
/// [`SessionView::of_request`] distinguishes them.
impl<'a, C: SessionConfig> FromRequest<'a> for SessionView<C> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let scope = scope_of(request.extensions());
        let context = with_head(request, |head| engine::extract::<C, Inherit>(head, scope));
        match engine::view(&context).await {
            Ok(Some((id, loaded))) => Ok(Self::found(id, loaded)),
            Ok(None) => Err(Rejection::refuse(&context, context.no_session_error()).into()),
            Err(error) => Err(Rejection::refuse(&context, error).into()),
        }
    }
}

impl<'a, C: SessionConfig + NeedsSessionAttribute> FromRequest<'a> for Session<C> {
    async fn from_request(_: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Err(Error::of(ErrorKind::Missing).into())
    }
}

impl<'a, C: SessionConfig + NeedsSessionAttribute> FromRequest<'a> for LoggedIn<C> {
    async fn from_request(_: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Err(Error::of(ErrorKind::Missing).into())
    }
}

impl<T: IntoResponse, R: IntoResult<T>> IntoResult<WithSession<T>> for SessionReply<R> {
    fn into_result(self) -> Result<WithSession<T>> {
        let (answer, headers) = self.into_answer::<Result<Response>>()?;
        let value = match answer {
            Answer::Value(value) => value.into_result().map(Answer::Value),
            Answer::Early(result) => result.map(Answer::Early),
        };
        match value {
            Ok(value) => Ok(WithSession { value, headers }),
            Err(error) => Err(attach(error, headers)),
        }
    }
}

impl<T: IntoResponse, R: IntoResult<T>> ViaPoem<T> for Probe<R> {
    type Value = R;

    fn via_poem(&self) -> Option<Convert<R>> {
        Some(|value| {
            let result = value.into_result().map(IntoResponse::into_response);
            let status = result.as_ref().map(Response::status);
            let succeeds = status.is_ok_and(|status| is_success(status.as_u16()));
            EarlyResponse::new(succeeds, result)
        })
    }
}

/// The value of a handler, and the headers that its session adds.
pub struct WithSession<T> {
    value: Answer<T, Response>,
    headers: SessionHeaders,
}

impl<T> fmt::Debug for WithSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSession").finish_non_exhaustive()
    }
}

impl<T: IntoResponse> IntoResponse for WithSession<T> {
    fn into_response(self) -> Response {
        let mut response = match self.value {
            Answer::Value(value) => value.into_response(),
            Answer::Early(response) => response,
        };
        self.headers.apply(response.headers_mut());
        response
    }
}

/// Attaches the headers of the session to an error. A sid or a cleared cookie must reach the client, so
/// the error then becomes a response at once. Other headers are kept as data of the error for the
/// app-wide layer, and the error keeps its type.
fn attach(mut error: poem::Error, headers: SessionHeaders) -> poem::Error {
    if headers.carries() {
        return into_response_error(error, [headers]);
    }
    error.set_data(headers);
    error
}

/// Converts an error to its response, as an error that `catch_all_error` can still catch.
fn into_response_error(
    error: poem::Error,
    headers: impl IntoIterator<Item = SessionHeaders>,
) -> poem::Error {
    let mut response = error.into_response();
    for added in headers {
        added.apply(response.headers_mut());
    }
    poem::Error::from_response(response)
}

impl<C: SessionConfig, E: Endpoint> Middleware<E> for SessionLayer<C> {
    type Output = SessionEndpoint<C, E>;

    fn transform(&self, inner: E) -> SessionEndpoint<C, E> {
        SessionEndpoint {
            layer: self.clone(),
            inner,
        }
    }
}

/// The endpoint of a [`SessionLayer`].
pub struct SessionEndpoint<C: SessionConfig, E> {
    layer: SessionLayer<C>,
    inner: E,
}

impl<C: SessionConfig, E> fmt::Debug for SessionEndpoint<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEndpoint")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C: SessionConfig, E: Endpoint> Endpoint for SessionEndpoint<C, E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let scope = self.layer.enter(scope_of::<C>(request.extensions()));
        request.extensions_mut().insert(scope.clone());
        let outcome = self.inner.call(request).await;
        let headers = SessionLayer::leave(&scope);
        match outcome {
            Ok(response) => {
                let mut response = response.into_response();
                if let Some(headers) = headers {
                    headers.apply(response.headers_mut());
                }
                Ok(response)
            }
            // Other errors keep their type, so that they can be caught above.
            Err(error) => match error.data::<SessionHeaders>().cloned() {
                Some(attached) => {
                    let headers = [attached].into_iter().chain(headers);
                    Err(into_response_error(error, headers))
                }
                None => Err(error),
            },
        }
    }
}

impl AnyRequest for Request {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        with_head(self, |head| read(head, self.extensions()))
    }
}

impl ResponseError for Rejection {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn as_response(&self) -> Response {
        response(self.to_response())
    }
}

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn as_response(&self) -> Response {
        response(self.to_response())
    }
}

fn response(source: http::Response<String>) -> Response {
    let (head, body) = source.into_parts();
    let mut response = Response::from((head.status, Body::from(body)));
    *response.headers_mut() = head.headers;
    response
}
