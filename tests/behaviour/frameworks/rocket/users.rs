//! Handlers that run only for a user who is logged in.

use ::rocket::{Route, get, routes};
use connect_session::{LoggedIn, session};

use super::guards::Headers;
use super::{HandlerResult, boxed};
use crate::configs::Main;
use crate::support::script::run;

#[session(load)]
#[get("/user/required")]
async fn user(session: LoggedIn<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session.into_session())), &headers.0).await
}

#[session(load)]
#[get("/user/optional")]
async fn maybe_user(session: Option<LoggedIn<Main>>, headers: Headers) -> HandlerResult {
    let session = session.map(LoggedIn::into_session);
    run(session.map(boxed), &headers.0).await
}

#[session(load, fresh = 5m)]
#[get("/user/fresh")]
async fn fresh(session: LoggedIn<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session.into_session())), &headers.0).await
}

#[session(load, level = 2)]
#[get("/user/level")]
async fn level(session: LoggedIn<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session.into_session())), &headers.0).await
}

pub(super) fn users() -> Vec<Route> {
    routes![user, maybe_user, fresh, level]
}
