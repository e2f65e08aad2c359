//! Handlers with every kind of return type.

use ::poem::error::InternalServerError;
use ::poem::http::HeaderMap;
use ::poem::web::Redirect;
use ::poem::{IntoResponse, Route, handler};
use connect_session::{Error, Session, session};
use http::StatusCode;

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
    shape(
        "/main/shape/wrapped-err",
        StatusCode::INTERNAL_SERVER_ERROR,
        false,
    ),
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
#[handler]
async fn unit(session: Session<Main>) {
    shaped(session);
}

#[session(create)]
#[handler]
async fn tuple(session: Session<Main>) -> (StatusCode, HeaderMap, String) {
    shaped(session);
    let mut headers = HeaderMap::new();
    headers.insert("x-own", http::HeaderValue::from_static("1"));
    (StatusCode::CREATED, headers, "a tuple".to_owned())
}

#[session(create)]
#[handler]
async fn hidden(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    StatusCode::ACCEPTED
}

#[session(create)]
#[handler]
async fn hidden_ok(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    Ok("hidden")
}

#[session(create)]
#[handler]
async fn hidden_err(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    if true {
        Err(StatusCode::IM_A_TEAPOT)
    } else {
        Ok("hidden")
    }
}

#[session(create)]
#[handler]
async fn redirect(session: Session<Main>) -> Redirect {
    shaped(session);
    Redirect::see_other("/elsewhere")
}

#[session(create)]
#[handler]
async fn early(session: Session<Main>, headers: &HeaderMap) -> Result<StatusCode, Error> {
    shaped(session);
    if !headers.contains_key("x-late") {
        return Ok(StatusCode::NO_CONTENT);
    }
    Ok(StatusCode::OK)
}

#[session(create)]
#[handler]
async fn question_mark(mut session: Session<Main>) -> Result<StatusCode, Error> {
    session.items.push("shaped".to_owned());
    session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO)?;
    Ok(StatusCode::OK)
}

#[session(create)]
#[handler]
async fn aliased_err(session: Session<Main>) -> ::poem::Result<StatusCode> {
    shaped(session);
    Err(StatusCode::IM_A_TEAPOT.into())
}

#[session(create)]
#[handler]
async fn wrapped_err(session: Session<Main>) -> ::poem::Result<&'static str> {
    shaped(session);
    "no number".parse::<u8>().map_err(InternalServerError)?;
    Ok("a number")
}

#[session(create)]
#[handler]
async fn status(session: Session<Main>) -> StatusCode {
    shaped(session);
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(super) fn shapes() -> Route {
    Route::new()
        .at("/unit", unit)
        .at("/tuple", tuple)
        .at("/hidden", hidden)
        .at("/hidden-ok", hidden_ok)
        .at("/hidden-err", hidden_err)
        .at("/redirect", redirect)
        .at("/early", early)
        .at("/question-mark", question_mark)
        .at("/aliased-err", aliased_err)
        .at("/wrapped-err", wrapped_err)
        .at("/status", status)
}
