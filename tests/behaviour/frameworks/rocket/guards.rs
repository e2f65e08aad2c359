//! Request guards of the suite's handlers.

use std::convert::Infallible;

use ::rocket::request::{FromRequest, Outcome};
use ::rocket::{Request, async_trait};
use connect_session::__private::{Inherit, Load, SessionGuard};
use connect_session::{Error, Rejection, Session, SessionView};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::configs::Main;

/// The headers of a request.
pub(super) struct Headers(pub(super) HeaderMap);

#[async_trait]
impl<'r> FromRequest<'r> for Headers {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        let headers = request.headers().iter().map(|header| {
            let name = HeaderName::try_from(header.name().as_str()).unwrap();
            (
                name,
                HeaderValue::from_bytes(header.value().as_bytes()).unwrap(),
            )
        });
        Outcome::Success(Self(headers.collect()))
    }
}

/// The guard for a handler that another handler calls.
pub(super) struct Second(pub(super) SessionGuard<Session<Main>, Load, Inherit>);

#[async_trait]
impl<'r> FromRequest<'r> for Second {
    type Error = Rejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Rejection> {
        SessionGuard::from_request(request).await.map(Self)
    }
}

/// The session, if there is one, or the error of the store.
pub(super) struct Seen(pub(super) Result<Option<SessionView<Main>>, Error>);

#[async_trait]
impl<'r> FromRequest<'r> for Seen {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(SessionView::of_request(request).await))
    }
}
