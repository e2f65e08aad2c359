//! actix-web 4, which uses `http` 0.2.

mod commits;
mod failure;
mod head;
mod headers;
mod middleware;
mod scopes;

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError,
};

pub use self::middleware::{SessionMiddleware, SessionMiddlewareFuture};
use self::scopes::with_scopes;
use super::any_request::AnyRequest as _;
use super::missing_attribute::NeedsSessionAttribute;
use super::scope::{scope_of, shared_scope};
use crate::config::SessionConfig;
use crate::engine::{self, Overrides, ReplyHeaders as _};
use crate::error::{Error, ErrorKind};
use crate::guard::{
    self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply, StatusKnown, is_success,
};
use crate::session::{LoggedIn, Session};
use crate::view::SessionView;

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
        Box::pin(async move { guard::open(&context, StatusKnown::InLayer).await })
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
                Ok(Some((id, loaded))) => Ok(Self::found(id, loaded)),
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
        ready(Err(Error::of(ErrorKind::Missing)))
    }
}

impl<C: SessionConfig + NeedsSessionAttribute> FromRequest for LoggedIn<C> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Err(Error::of(ErrorKind::Missing)))
    }
}

impl<R: Responder> Responder for SessionReply<R> {
    type Body = EitherBody<R::Body>;

    fn respond_to(mut self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let deferred = self.take_deferred();
        match self.into_outcome() {
            Ok((value, headers)) => {
                let mut response = value.respond_to(request);
                match deferred {
                    None => headers.apply(response.headers_mut()),
                    Some(deferred) => {
                        let succeeds = is_success(response.status().as_u16());
                        commits::push(request, deferred, succeeds);
                    }
                }
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
