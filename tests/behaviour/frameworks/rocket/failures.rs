//! Handlers whose `Err` is hidden by their return type, or inside another value.

use ::rocket::http::{ContentType, Status};
use ::rocket::response::content::RawText;
use ::rocket::response::status::{Accepted, Custom};
use ::rocket::response::{Responder, Result as Responded};
use ::rocket::{Either, Request, Route, get, routes};
use connect_session::{Session, session};
use http::StatusCode;

use super::Headers;
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
    shape("/main/failure/tuple-ok", StatusCode::OK, true),
    shape("/main/failure/nested", TEAPOT, false),
    shape("/main/failure/nested-ok", StatusCode::OK, true),
    shape("/main/failure/option", TEAPOT, false),
    shape("/main/failure/either", TEAPOT, false),
    shape("/main/failure/boxed", TEAPOT, false),
    shape("/main/failure/content", TEAPOT, false),
    shape("/main/failure/accepted", StatusCode::ACCEPTED, false),
    shape("/main/failure/accepted-ok", StatusCode::ACCEPTED, true),
    shape("/main/failure/custom", StatusCode::CREATED, false),
    shape("/main/failure/status-tuple", StatusCode::CREATED, false),
];

type Outcome = Result<&'static str, No>;

/// An error with a response of its own, so that a wrapper can change the status.
struct No;

impl<'r> Responder<'r, 'static> for No {
    fn respond_to(self, request: &'r Request<'_>) -> Responded<'static> {
        Custom(Status::ImATeapot, "no").respond_to(request)
    }
}

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn works() -> Outcome {
    Ok("fine")
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn fails() -> Outcome {
    Err(No)
}

async fn fails_later() -> Outcome {
    fails()
}

#[session(create)]
#[get("/call")]
async fn call<'r>(session: Session<Main>) -> impl Responder<'r, 'static> {
    shaped(session);
    fails()
}

#[session(create)]
#[get("/call-ok")]
async fn call_ok<'r>(session: Session<Main>) -> impl Responder<'r, 'static> {
    shaped(session);
    works()
}

#[session(create)]
#[get("/awaited")]
async fn awaited<'r>(session: Session<Main>) -> impl Responder<'r, 'static> {
    shaped(session);
    fails_later().await
}

#[session(create)]
#[get("/early")]
async fn early<'r>(session: Session<Main>, headers: Headers) -> impl Responder<'r, 'static> {
    shaped(session);
    if !headers.0.contains_key("x-late") {
        return fails();
    }
    works()
}

#[session(create)]
#[get("/hidden-tuple")]
async fn hidden_tuple<'r>(session: Session<Main>) -> impl Responder<'r, 'static> {
    shaped(session);
    (ContentType::Plain, fails())
}

#[session(create)]
#[get("/in-ok")]
async fn in_ok<'r>(session: Session<Main>) -> Result<impl Responder<'r, 'static>, Status> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
#[get("/tuple")]
async fn tuple(session: Session<Main>) -> (ContentType, Outcome) {
    shaped(session);
    (ContentType::Plain, fails())
}

#[session(create)]
#[get("/tuple-ok")]
async fn tuple_ok(session: Session<Main>) -> (ContentType, Outcome) {
    shaped(session);
    (ContentType::Plain, works())
}

#[session(create)]
#[get("/nested")]
async fn nested(session: Session<Main>) -> Result<Outcome, Status> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
#[get("/nested-ok")]
async fn nested_ok(session: Session<Main>) -> Result<Outcome, Status> {
    shaped(session);
    Ok(works())
}

#[session(create)]
#[get("/option")]
async fn option(session: Session<Main>) -> Option<Outcome> {
    shaped(session);
    Some(fails())
}

#[session(create)]
#[get("/either")]
async fn either(session: Session<Main>) -> Either<Status, Outcome> {
    shaped(session);
    Either::Right(fails())
}

#[session(create)]
#[get("/boxed")]
async fn boxed(session: Session<Main>) -> Box<Outcome> {
    shaped(session);
    Box::new(fails())
}

#[session(create)]
#[get("/content")]
async fn content(session: Session<Main>) -> RawText<Outcome> {
    shaped(session);
    RawText(fails())
}

#[session(create)]
#[get("/accepted")]
async fn accepted(session: Session<Main>) -> Accepted<Outcome> {
    shaped(session);
    Accepted(fails())
}

#[session(create)]
#[get("/accepted-ok")]
async fn accepted_ok(session: Session<Main>) -> Accepted<Outcome> {
    shaped(session);
    Accepted(works())
}

#[session(create)]
#[get("/custom")]
async fn custom(session: Session<Main>) -> Custom<Outcome> {
    shaped(session);
    Custom(Status::Created, fails())
}

#[session(create)]
#[get("/status-tuple")]
async fn status_tuple(session: Session<Main>) -> (Status, Outcome) {
    shaped(session);
    (Status::Created, fails())
}

pub(super) fn failures() -> Vec<Route> {
    routes![
        call,
        call_ok,
        awaited,
        early,
        hidden_tuple,
        in_ok,
        tuple,
        tuple_ok,
        nested,
        nested_ok,
        option,
        either,
        boxed,
        content,
        accepted,
        accepted_ok,
        custom,
        status_tuple
    ]
}
