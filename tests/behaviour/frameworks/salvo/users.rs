//! Handlers that run only for a user who is logged in.

use ::salvo::{Request, Router, Writer as _, handler};
use connect_session::{LoggedIn, session};

use super::boxed;
use crate::configs::Main;
use crate::support::script::{Failure, HandlerResponse, run};

#[session(load)]
#[handler]
async fn user(session: LoggedIn<Main>, request: &mut Request) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), request.headers()).await
}

#[session(load)]
#[handler]
async fn maybe_user(
    session: Option<LoggedIn<Main>>,
    request: &mut Request,
) -> Result<HandlerResponse, Failure> {
    let session = session.map(LoggedIn::into_session);
    run(session.map(boxed), request.headers()).await
}

#[session(load, fresh = 5m)]
#[handler]
async fn fresh(session: LoggedIn<Main>, request: &mut Request) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), request.headers()).await
}

#[session(load, level = 2)]
#[handler]
async fn level(session: LoggedIn<Main>, request: &mut Request) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), request.headers()).await
}

pub(super) fn users() -> Router {
    Router::with_path("user")
        .push(Router::with_path("required").goal(user))
        .push(Router::with_path("optional").goal(maybe_user))
        .push(Router::with_path("fresh").goal(fresh))
        .push(Router::with_path("level").goal(level))
}
