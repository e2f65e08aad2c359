//! Handlers whose `Err` is hidden by their return type, or inside another value.

use ::salvo::{Request, Router, Writer, handler};
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
    shape("/main/failure/hidden-tuple", TEAPOT, false),
    shape("/main/failure/in-ok", TEAPOT, false),
    shape("/main/failure/tuple", TEAPOT, false),
    shape("/main/failure/tuple-first", StatusCode::CREATED, false),
    shape("/main/failure/tuple-ok", StatusCode::CREATED, true),
    shape("/main/failure/nested", TEAPOT, false),
    shape("/main/failure/nested-ok", StatusCode::OK, true),
];

type Outcome = Result<&'static str, StatusCode>;

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn works() -> Outcome {
    Ok("fine")
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn fails() -> Outcome {
    Err(TEAPOT)
}

#[allow(clippy::unused_async, reason = "its caller awaits a failure")]
async fn fails_later() -> Outcome {
    fails()
}

#[session(create)]
#[handler]
async fn call(session: Session<Main>) -> impl Writer {
    shaped(session);
    fails()
}

#[session(create)]
#[handler]
async fn call_ok(session: Session<Main>) -> impl Writer {
    shaped(session);
    works()
}

#[session(create)]
#[handler]
async fn awaited(session: Session<Main>) -> impl Writer {
    shaped(session);
    fails_later().await
}

#[session(create)]
#[handler]
async fn early(session: Session<Main>, request: &mut Request) -> impl Writer + use<> {
    shaped(session);
    if !request.headers().contains_key("x-late") {
        return fails();
    }
    works()
}

#[session(create)]
#[handler]
async fn hidden_tuple(session: Session<Main>) -> impl Writer {
    shaped(session);
    (StatusCode::CREATED, fails())
}

#[session(create)]
#[handler]
async fn in_ok(session: Session<Main>) -> Result<impl Writer, StatusCode> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
#[handler]
async fn tuple(session: Session<Main>) -> (StatusCode, Outcome) {
    shaped(session);
    (StatusCode::CREATED, fails())
}

#[session(create)]
#[handler]
async fn tuple_first(session: Session<Main>) -> (Outcome, StatusCode, &'static str) {
    shaped(session);
    (fails(), StatusCode::CREATED, "the status is the last one's")
}

#[session(create)]
#[handler]
async fn tuple_ok(session: Session<Main>) -> (StatusCode, Outcome) {
    shaped(session);
    (StatusCode::CREATED, works())
}

#[session(create)]
#[handler]
async fn nested(session: Session<Main>) -> Result<Outcome, StatusCode> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
#[handler]
async fn nested_ok(session: Session<Main>) -> Result<Outcome, StatusCode> {
    shaped(session);
    Ok(works())
}

pub(super) fn failures(path: &str) -> Router {
    Router::with_path(path)
        .push(Router::with_path("call").goal(call))
        .push(Router::with_path("call-ok").goal(call_ok))
        .push(Router::with_path("awaited").goal(awaited))
        .push(Router::with_path("early").goal(early))
        .push(Router::with_path("hidden-tuple").goal(hidden_tuple))
        .push(Router::with_path("in-ok").goal(in_ok))
        .push(Router::with_path("tuple").goal(tuple))
        .push(Router::with_path("tuple-first").goal(tuple_first))
        .push(Router::with_path("tuple-ok").goal(tuple_ok))
        .push(Router::with_path("nested").goal(nested))
        .push(Router::with_path("nested-ok").goal(nested_ok))
}
