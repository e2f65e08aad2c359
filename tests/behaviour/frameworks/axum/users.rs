//! Handlers that run only for a user who is logged in.

use ::axum::Router;
use ::axum::routing::any;
use connect_session::{LoggedIn, session};
use http::HeaderMap;

use super::boxed;
use crate::configs::Main;
use crate::support::script::{Failure, HandlerResponse, run};

#[session(load)]
async fn user(session: LoggedIn<Main>, headers: HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

#[session(load)]
async fn maybe_user(
    session: Option<LoggedIn<Main>>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    let session = session.map(LoggedIn::into_session);
    run(session.map(boxed), &headers).await
}

#[session(load, fresh = 5m)]
async fn fresh(session: LoggedIn<Main>, headers: HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

#[session(load, level = 2)]
async fn level(session: LoggedIn<Main>, headers: HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

pub(super) fn users() -> Router {
    Router::new()
        .route("/required", any(user))
        .route("/optional", any(maybe_user))
        .route("/fresh", any(fresh))
        .route("/level", any(level))
}
