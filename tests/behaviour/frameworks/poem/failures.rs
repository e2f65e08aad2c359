//! Handlers whose `Err` is hidden by their return type.

use ::poem::error::IntoResult;
use ::poem::http::HeaderMap;
use ::poem::{IntoResponse, Route, handler};
use connect_session::{Session, session};
use http::StatusCode;

use crate::configs::Main;
use crate::frameworks::{Shape, shape};

const TEAPOT: StatusCode = StatusCode::IM_A_TEAPOT;

pub(crate) const FAILURES: &[Shape] = &[
    shape("/main/failure/call", TEAPOT, false),
    shape("/main/failure/call-ok", StatusCode::OK, true),
    shape("/main/failure/awaited", TEAPOT, false),
    shape("/main/failure/early", TEAPOT, false),
    shape("/main/failure/not-a-result", StatusCode::OK, true),
];

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn works() -> Result<&'static str, StatusCode> {
    Ok("fine")
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn fails() -> ::poem::Result<&'static str> {
    Err(TEAPOT.into())
}

#[allow(clippy::unused_async, reason = "its caller awaits a failure")]
async fn fails_later() -> ::poem::Result<&'static str> {
    fails()
}

#[session(create)]
#[handler]
async fn call(session: Session<Main>) -> impl IntoResult<&'static str> {
    shaped(session);
    fails()
}

#[session(create)]
#[handler]
async fn call_ok(session: Session<Main>) -> impl IntoResult<&'static str> {
    shaped(session);
    works()
}

#[session(create)]
#[handler]
async fn awaited(session: Session<Main>) -> impl IntoResult<&'static str> {
    shaped(session);
    fails_later().await
}

#[session(create)]
#[handler]
async fn early(session: Session<Main>, headers: &HeaderMap) -> impl IntoResult<&'static str> {
    shaped(session);
    if !headers.contains_key("x-late") {
        return fails();
    }
    ::poem::Result::Ok("fine")
}

#[session(create)]
#[handler]
async fn not_a_result(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    (StatusCode::OK, "fine".to_owned())
}

pub(super) fn failures() -> Route {
    Route::new()
        .at("/call", call)
        .at("/call-ok", call_ok)
        .at("/awaited", awaited)
        .at("/early", early)
        .at("/not-a-result", not_a_result)
}
