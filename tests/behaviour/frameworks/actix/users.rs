//! Handlers that run only for a user who is logged in.

use ::actix_web::web::{self, ServiceConfig};
use connect_session::{LoggedIn, session};

use super::bodies::Headers;
use super::boxed;
use crate::configs::Main;
use crate::support::script::{Failure, HandlerResponse, run};

#[session(load)]
async fn user(
    session: LoggedIn<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

#[session(load)]
async fn maybe_user(
    session: Option<LoggedIn<Main>>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    let session = session.map(LoggedIn::into_session);
    run(session.map(boxed), &headers).await
}

#[session(load, fresh = 5m)]
async fn fresh(
    session: LoggedIn<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

#[session(load, level = 2)]
async fn level(
    session: LoggedIn<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session.into_session())), &headers).await
}

pub(super) fn users(config: &mut ServiceConfig) {
    config
        .route("/user/required", web::to(user))
        .route("/user/optional", web::to(maybe_user))
        .route("/user/fresh", web::to(fresh))
        .route("/user/level", web::to(level));
}
