//! salvo 1.

#[cfg(feature = "salvo-oapi")]
mod oapi;

use std::borrow::Cow;

use http::header::{HeaderMap, SET_COOKIE, VARY};
use http::uri::Scheme;
use http::{Extensions, Method, Uri};
use salvo_core::extract::{Extractible, Metadata};
use salvo_core::http::{ResBody, StatusCode};
use salvo_core::writing::Scribe;
use salvo_core::{Depot, FlowCtrl, Handler, Request, Response, Writer, async_trait};

use super::any_request::AnyRequest;
use super::http_head::{HttpHead, HttpParts};
use super::layer::SessionLayer;
use super::missing_attribute::NeedsSessionAttribute;
use super::scope::{scope_of, shared_scope};
use crate::config::SessionConfig;
use crate::engine::{self, Overrides};
use crate::error::{Error, ErrorKind};
use crate::guard::{
    self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply, StatusKnown, is_success,
};
use crate::loader::RequestHead;
use crate::session::{LoggedIn, Session};
use crate::view::SessionView;

/// Empty, because salvo's own extraction does not apply to sessions.
static METADATA: Metadata = Metadata::new("");

/// Reads the head of a request.
fn with_head<T>(request: &Request, read: impl FnOnce(RequestHead<'_>) -> T) -> T {
    let find = |name: &str| {
        let value = request.params().get(name)?;
        Some(Cow::Borrowed(value.as_str()))
    };
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

    fn is_tls(&self) -> bool {
        *self.scheme() == Scheme::HTTPS
    }
}

#[allow(
    refining_impl_trait,
    reason = "names the error type, so that handlers can match it"
)]
impl<'ex, S, M, O> Extractible<'ex> for SessionGuard<S, M, O>
where
    S: SessionArg,
    M: Mode,
    O: Overrides,
{
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    async fn extract(request: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, Rejection> {
        // A handler may be a hoop.
        let scope = Some(shared_scope(request.extensions_mut()));
        let context = with_head(request, |head| engine::extract::<S::Config, O>(head, scope));
        guard::open(&context, StatusKnown::InReply).await
    }
}

#[allow(
    refining_impl_trait,
    reason = "names the error type, so that handlers can match it"
)]
impl<'ex, C: SessionConfig> Extractible<'ex> for SessionView<C> {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    async fn extract(request: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, Rejection> {
        let scope = scope_of(request.extensions());
        let context = with_head(request, |head| engine::extract::<C, Inherit>(head, scope));
        match engine::view(&context).await {
            Ok(Some((id, loaded))) => Ok(Self::found(id, loaded)),
            Ok(None) => Err(Rejection::refuse(&context, context.no_session_error())),
            Err(error) => Err(Rejection::refuse(&context, error)),
        }
    }
}

#[allow(
    refining_impl_trait,
    reason = "names the error type, so that handlers can match it"
)]
impl<'ex, C: SessionConfig + NeedsSessionAttribute> Extractible<'ex> for Session<C> {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    async fn extract(_: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, Error> {
        Err(Error::of(ErrorKind::Missing))
    }
}

#[allow(
    refining_impl_trait,
    reason = "names the error type, so that handlers can match it"
)]
impl<'ex, C: SessionConfig + NeedsSessionAttribute> Extractible<'ex> for LoggedIn<C> {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    async fn extract(_: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, Error> {
        Err(Error::of(ErrorKind::Missing))
    }
}

#[async_trait]
impl<R: Writer + Send> Writer for SessionReply<R> {
    async fn write(mut self, request: &mut Request, depot: &mut Depot, response: &mut Response) {
        let deferred = self.take_deferred();
        match self.into_outcome() {
            Ok((value, headers)) => {
                value.write(request, depot, response).await;
                let committed = match deferred {
                    None => Ok(headers),
                    Some(deferred) => deferred.commit(succeeds(response)).await,
                };
                match committed {
                    Ok(headers) => headers.apply(response.headers_mut()),
                    Err(rejection) => rejection.write(request, depot, response).await,
                }
            }
            Err(rejection) => rejection.write(request, depot, response).await,
        }
    }
}

/// Whether a response commits the changes. A handler that has set no status responds with 200.
fn succeeds(response: &Response) -> bool {
    let status = response.status_code.unwrap_or(StatusCode::OK);
    is_success(status.as_u16())
}

/// Also puts the rejection into the depot, for the hoops above the handler.
#[async_trait]
impl Writer for Rejection {
    async fn write(self, _: &mut Request, depot: &mut Depot, response: &mut Response) {
        replace_response(self.to_response(), response);
        self.headers().apply(response.headers_mut());
        depot.insert_typed(self);
    }
}

impl Scribe for Error {
    fn render(self, response: &mut Response) {
        replace_response(self.to_response(), response);
    }
}

/// Replaces everything that the handler wrote, except for `Vary`, which the caller merges, and for other
/// cookies.
fn replace_response(source: http::Response<String>, response: &mut Response) {
    let (head, body) = source.into_parts();
    response.status_code(head.status);
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in &head.headers {
        if name == SET_COOKIE {
            headers.append(name, value.clone());
        } else if name != VARY {
            headers.insert(name, value.clone());
        }
    }
    response.body(match body.as_str() {
        "" => ResBody::None,
        _ => ResBody::from(body),
    });
}

impl AnyRequest for Request {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        with_head(self, |head| read(head, self.extensions()))
    }
}

#[async_trait]
impl<C: SessionConfig> Handler for SessionLayer<C> {
    async fn handle(
        &self,
        request: &mut Request,
        depot: &mut Depot,
        response: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let scope = self.enter(scope_of::<C>(request.extensions()));
        request.extensions_mut().insert(scope.clone());
        ctrl.call_next(request, depot, response).await;
        if let Some(headers) = Self::leave(&scope) {
            headers.apply(response.headers_mut());
        }
        // salvo turns an extractor's response into a 400 unless its status is an error. Any other status
        // belongs to a response that the program made instead.
        if let Ok(rejection) = depot.get_typed::<Rejection>()
            && rejection.status() == StatusCode::NO_CONTENT
            && response.status_code == Some(StatusCode::BAD_REQUEST)
        {
            response.status_code(StatusCode::NO_CONTENT);
        }
    }
}
