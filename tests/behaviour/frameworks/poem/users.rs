//! Handlers that run only for a user who is logged in.

use ::poem::http::HeaderMap;
use ::poem::{Route, handler};
use connect_session::{LoggedIn, session};

use super::boxed;
use crate::configs::Main;
use crate::support::script::{Failure, HandlerResponse, run};

#[session(load)]
#[handler]
async fn user(session: LoggedIn<Main>, headers: &HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), headers).await
}

#[session(load)]
#[handler]
async fn maybe_user(
    session: Option<LoggedIn<Main>>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    let session = session.map(LoggedIn::into_session);
    run(session.map(boxed), headers).await
}

#[session(load, fresh = 5m)]
#[handler]
async fn fresh(session: LoggedIn<Main>, headers: &HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), headers).await
}

#[session(load, level = 2)]
#[handler]
async fn level(session: LoggedIn<Main>, headers: &HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), headers).await
}

pub(super) fn users() -> Route {
    Route::new()
        .at("/required", user)
        .at("/optional", maybe_user)
        .at("/fresh", fresh)
        .at("/level", level)
}
