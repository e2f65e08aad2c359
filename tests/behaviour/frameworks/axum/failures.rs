//! Handlers whose `Err` is hidden by their return type, or inside another value.

use ::axum::Router;
use ::axum::response::IntoResponse;
use ::axum::routing::any;
use connect_session::{Session, session};
use http::{HeaderMap, StatusCode};

use crate::configs::Main;
use crate::frameworks::{Shape, shape};

const TEAPOT: StatusCode = StatusCode::IM_A_TEAPOT;

pub(crate) const FAILURES: &[Shape] = &[
    shape("/main/failure/call", TEAPOT, false),
    shape("/main/failure/call-ok", StatusCode::OK, true),
    shape("/main/failure/awaited", TEAPOT, false),
    shape("/main/failure/early", TEAPOT, false),
    shape("/main/failure/branch", TEAPOT, false),
    shape("/main/failure/hidden-tuple", TEAPOT, false),
    shape("/main/failure/in-ok", TEAPOT, false),
    shape("/main/failure/in-ok-ok", StatusCode::OK, true),
    shape("/main/failure/tuple", TEAPOT, false),
    shape("/main/failure/tuple-ok", StatusCode::OK, true),
    shape("/main/failure/nested", TEAPOT, false),
    shape("/main/failure/nested-ok", StatusCode::OK, true),
    shape("/main/failure/deep", TEAPOT, false),
];

type Outcome = Result<&'static str, StatusCode>;
type Own = [(&'static str, &'static str); 1];

const OWN: Own = [("x-own", "1")];

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
async fn call(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    fails()
}

#[session(create)]
async fn call_ok(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    works()
}

#[session(create)]
async fn awaited(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    fails_later().await
}

#[session(create)]
async fn early(session: Session<Main>, headers: HeaderMap) -> impl IntoResponse {
    shaped(session);
    if !headers.contains_key("x-late") {
        return fails();
    }
    works()
}

#[session(create)]
async fn branch(session: Session<Main>, headers: HeaderMap) -> impl IntoResponse {
    shaped(session);
    match headers.get("x-late") {
        Some(_) => works(),
        None => fails(),
    }
}

#[session(create)]
async fn hidden_tuple(session: Session<Main>) -> impl IntoResponse {
    shaped(session);
    (OWN, fails())
}

#[session(create)]
async fn in_ok(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
async fn in_ok_ok(session: Session<Main>) -> Result<impl IntoResponse, StatusCode> {
    shaped(session);
    let inner = Ok::<_, StatusCode>(works())?;
    Ok(inner)
}

#[session(create)]
async fn tuple(session: Session<Main>) -> (HeaderMap, Own, Outcome) {
    shaped(session);
    (HeaderMap::new(), OWN, fails())
}

#[session(create)]
async fn tuple_ok(session: Session<Main>) -> (Own, Outcome) {
    shaped(session);
    (OWN, works())
}

#[session(create)]
async fn nested(session: Session<Main>) -> Result<Outcome, StatusCode> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
async fn nested_ok(session: Session<Main>) -> Result<Outcome, StatusCode> {
    shaped(session);
    Ok(works())
}

#[session(create)]
async fn deep(
    session: Session<Main>,
) -> Result<(Own, Result<(Own, Outcome), StatusCode>), StatusCode> {
    shaped(session);
    Ok((OWN, Ok((OWN, fails()))))
}

pub(super) fn failures() -> Router {
    Router::new()
        .route("/call", any(call))
        .route("/call-ok", any(call_ok))
        .route("/awaited", any(awaited))
        .route("/early", any(early))
        .route("/branch", any(branch))
        .route("/hidden-tuple", any(hidden_tuple))
        .route("/in-ok", any(in_ok))
        .route("/in-ok-ok", any(in_ok_ok))
        .route("/tuple", any(tuple))
        .route("/tuple-ok", any(tuple_ok))
        .route("/nested", any(nested))
        .route("/nested-ok", any(nested_ok))
        .route("/deep", any(deep))
}
