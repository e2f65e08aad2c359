//! rocket 0.5.
//!
//! If a guard refuses a request, or a responder fails with a status, a catcher creates the response,
//! and neither a guard nor a responder can change it. The headers of the session are then kept in the
//! request's local cache, and the fairing (the app-wide layer) adds them.

mod failure;
mod fairing;
mod head;
mod response;
mod scopes;

use rocket::request::{FromRequest, Outcome};
use rocket::response::{Responder, Result};
use rocket::{Request, async_trait};

use self::fairing::{RefusedBy, defer_commit, defer_headers, defer_refusal, is_caught, refuse};
use self::response::{of_http, status};
use self::scopes::scopes;
use super::any_request::AnyRequest as _;
use super::missing_attribute::NeedsSessionAttribute;
use super::scope::{scope_of, shared_scope};
use crate::config::SessionConfig;
use crate::engine::{self, Overrides};
use crate::error::{Error, ErrorKind};
use crate::guard::{
    self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply, StatusKnown, is_success,
};
use crate::session::{LoggedIn, Session};
use crate::view::SessionView;

#[async_trait]
impl<'r, S, M, O> FromRequest<'r> for SessionGuard<S, M, O>
where
    S: SessionArg,
    M: Mode,
    O: Overrides,
{
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        if O::MAY_FORWARD {
            shared_scope::<S::Config>(&mut scopes(request));
        }
        let context =
            request.read(|head, scopes| engine::extract::<S::Config, O>(head, scope_of(scopes)));
        match guard::open(&context, StatusKnown::InLayer).await {
            Ok(guard) => Outcome::Success(guard),
            Err(rejection) => refuse(request, rejection, RefusedBy::Guard),
        }
    }
}

/// With `Option<SessionView>`, rocket turns every error into `None`, including a failed store.
/// [`SessionView::of_request`] distinguishes them.
#[async_trait]
impl<'r, C: SessionConfig> FromRequest<'r> for SessionView<C> {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        let context =
            request.read(|head, scopes| engine::extract::<C, Inherit>(head, scope_of(scopes)));
        let error = match engine::view(&context).await {
            Ok(Some((id, loaded))) => return Outcome::Success(Self::found(id, loaded)),
            Ok(None) => context.no_session_error(),
            Err(error) => error,
        };
        refuse(request, Rejection::refuse(&context, error), RefusedBy::View)
    }
}

#[async_trait]
impl<'r, C: SessionConfig + NeedsSessionAttribute> FromRequest<'r> for Session<C> {
    type Error = Error;

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, Error> {
        let error = Error::of(ErrorKind::Missing);
        Outcome::Error((status(error.status()), error))
    }
}

#[async_trait]
impl<'r, C: SessionConfig + NeedsSessionAttribute> FromRequest<'r> for LoggedIn<C> {
    type Error = Error;

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, Error> {
        let error = Error::of(ErrorKind::Missing);
        Outcome::Error((status(error.status()), error))
    }
}

impl<'r, 'o: 'r, R: Responder<'r, 'o>> Responder<'r, 'o> for SessionReply<R> {
    fn respond_to(mut self, request: &'r Request<'_>) -> Result<'o> {
        let deferred = self.take_deferred();
        let (value, headers) = match self.into_outcome() {
            Ok(outcome) => outcome,
            Err(rejection) => return rejection.respond_to(request),
        };
        let result = value.respond_to(request);
        if let Some(deferred) = deferred {
            let response = result.as_ref();
            let succeeds = response.is_ok_and(|response| is_success(response.status().code));
            defer_commit(request, deferred, succeeds);
            return result;
        }
        match result {
            Ok(mut response) => {
                headers.apply(&mut response);
                Ok(response)
            }
            Err(status) => {
                defer_headers(request, headers);
                Err(status)
            }
        }
    }
}

/// If the program has registered a catcher for the status, the catcher creates the response.
impl<'r> Responder<'r, 'static> for Rejection {
    fn respond_to(self, request: &'r Request<'_>) -> Result<'static> {
        let status = status(self.status());
        if !is_caught(request, status) {
            return Ok(of_http(self.to_response()));
        }
        defer_refusal(request, &self, RefusedBy::Guard);
        Err(status)
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, _: &'r Request<'_>) -> Result<'static> {
        Ok(of_http(self.to_response()))
    }
}
