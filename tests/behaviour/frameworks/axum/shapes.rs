//! Handlers with every kind of return type.

use ::axum::Router;
use ::axum::response::{IntoResponse, Redirect};
use ::axum::routing::any;
use connect_session::{Error, Session, session};
use http::{HeaderMap, StatusCode};

use crate::configs::Main;
use crate::frameworks::{Shape, shape};

pub(crate) const SHAPES: &[Shape] = &[
    shape("/main/shape/unit", StatusCode::OK, true),
    shape("/main/shape/tuple", StatusCode::CREATED, true),
    shape("/main/shape/hidden", StatusCode::ACCEPTED, true),
    shape("/main/shape/hidden-ok", StatusCode::OK, true),
    shape("/main/shape/hidden-err", StatusCode::IM_A_TEAPOT, false),
    shape("/main/shape/redirect", StatusCode::SEE_OTHER, true),
    shape("/main/shape/early", StatusCode::NO_CONTENT, true),
    shape(
        "/main/shape/question-mark",
        StatusCode::INTERNAL_SERVER_ERROR,
        false,
    ),
    shape("/main/shape/aliased-err", StatusCode::IM_A_TEAPOT, false),
    // A status is not an `Err`: only a handler that returns `Err` has failed.
    shape(
        "/main/shape/status",
        StatusCode::INTERNAL_SERVER_ERROR,
        true,
    ),
];

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[session(create)]
async fn unit(session: Session<Main>) {
    shaped(session);
}

#[session(create)]
async fn tuple(session: Session<Main>) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    shaped(session);
    (StatusCode::CREATED, [("x-own", "1")], "a tuple".to_owned())
}

#[session(create)]
async fn hidden(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    StatusCode::ACCEPTED
}

#[session(create)]
async fn hidden_ok(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    Ok("hidden")
}

#[session(create)]
async fn hidden_err(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    if true {
        Err(StatusCode::IM_A_TEAPOT)
    } else {
        Ok("hidden")
    }
}

#[session(create)]
async fn redirect(session: Session<Main>) -> Redirect {
    shaped(session);
    Redirect::to("/elsewhere")
}

#[session(create)]
async fn early(session: Session<Main>, headers: HeaderMap) -> Result<StatusCode, Error> {
    shaped(session);
    if !headers.contains_key("x-late") {
        return Ok(StatusCode::NO_CONTENT);
    }
    Ok(StatusCode::OK)
}

#[session(create)]
async fn question_mark(mut session: Session<Main>) -> Result<StatusCode, Error> {
    session.items.push("shaped".to_owned());
    session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO)?;
    Ok(StatusCode::OK)
}

type Aliased = ::axum::response::Result<StatusCode>;

#[session(create)]
async fn aliased_err(session: Session<Main>) -> Aliased {
    shaped(session);
    Err(StatusCode::IM_A_TEAPOT.into())
}

#[session(create)]
async fn status(session: Session<Main>) -> StatusCode {
    shaped(session);
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(super) fn shapes() -> Router {
    Router::new()
        .route("/unit", any(unit))
        .route("/tuple", any(tuple))
        .route("/hidden", any(hidden))
        .route("/hidden-ok", any(hidden_ok))
        .route("/hidden-err", any(hidden_err))
        .route("/redirect", any(redirect))
        .route("/early", any(early))
        .route("/question-mark", any(question_mark))
        .route("/aliased-err", any(aliased_err))
        .route("/status", any(status))
}
