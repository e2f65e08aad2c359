//! Handlers with every kind of return type.

use ::rocket::http::Status;
use ::rocket::response::status::{Accepted, Custom};
use ::rocket::response::{Redirect, Responder};
use ::rocket::{Route, get, routes};
use connect_session::{Error, Session, session};
use http::StatusCode;

use super::Headers;
use crate::configs::Main;
use crate::frameworks::{Shape, shape};

pub(crate) const SHAPES: &[Shape] = &[
    shape("/main/shape/unit", StatusCode::OK, true),
    shape("/main/shape/tuple", StatusCode::OK, true),
    shape("/main/shape/hidden", StatusCode::ACCEPTED, true),
    shape("/main/shape/hidden-ok", StatusCode::OK, true),
    shape("/main/shape/hidden-err", StatusCode::IM_A_TEAPOT, false),
    shape("/main/shape/derived", StatusCode::CREATED, true),
    shape("/main/shape/redirect", StatusCode::SEE_OTHER, true),
    shape("/main/shape/early", StatusCode::NO_CONTENT, true),
    shape(
        "/main/shape/question-mark",
        StatusCode::INTERNAL_SERVER_ERROR,
        false,
    ),
    shape("/main/shape/aliased-err", StatusCode::IM_A_TEAPOT, false),
    // Only a status, which a catcher turns into a response. It is not an `Err`, so the session is
    // stored.
    shape("/main/shape/none", StatusCode::NOT_FOUND, true),
    shape(
        "/main/shape/status",
        StatusCode::INTERNAL_SERVER_ERROR,
        true,
    ),
    shape(
        "/main/shape/custom",
        StatusCode::INTERNAL_SERVER_ERROR,
        true,
    ),
];

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[session(create)]
#[get("/unit")]
async fn unit(session: Session<Main>) {
    shaped(session);
}

#[session(create)]
#[get("/tuple")]
async fn tuple(session: Session<Main>) -> (::rocket::http::ContentType, &'static str) {
    shaped(session);
    (::rocket::http::ContentType::Plain, "a tuple")
}

#[session(create)]
#[get("/hidden")]
async fn hidden<'r>(session: Session<Main>) -> impl Responder<'r, 'static> {
    shaped(session);
    Accepted("hidden")
}

#[session(create)]
#[get("/hidden-ok")]
async fn hidden_ok<'r>(session: Session<Main>) -> Result<impl Responder<'r, 'static>, Status> {
    shaped(session);
    Ok("hidden")
}

#[session(create)]
#[get("/hidden-err")]
async fn hidden_err<'r>(session: Session<Main>) -> Result<impl Responder<'r, 'static>, Status> {
    shaped(session);
    if true {
        Err(Status::ImATeapot)
    } else {
        Ok("hidden")
    }
}

#[derive(Responder)]
#[response(status = 201)]
struct Derived(String);

#[session(create)]
#[get("/derived")]
async fn derived(session: Session<Main>) -> Derived {
    shaped(session);
    Derived("derived".to_owned())
}

#[session(create)]
#[get("/redirect")]
async fn redirect(session: Session<Main>) -> Redirect {
    shaped(session);
    Redirect::to("/elsewhere")
}

#[session(create)]
#[get("/early")]
async fn early(session: Session<Main>, headers: Headers) -> Result<Status, Error> {
    shaped(session);
    if !headers.0.contains_key("x-late") {
        return Ok(Status::NoContent);
    }
    Ok(Status::Ok)
}

#[session(create)]
#[get("/question-mark")]
async fn question_mark(mut session: Session<Main>) -> Result<Status, Error> {
    session.items.push("shaped".to_owned());
    session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO)?;
    Ok(Status::Ok)
}

type Aliased = Result<(), Status>;

#[session(create)]
#[get("/aliased-err")]
async fn aliased_err(session: Session<Main>) -> Aliased {
    shaped(session);
    Err(Status::ImATeapot)
}

#[session(create)]
#[get("/none")]
async fn none(session: Session<Main>) -> Option<String> {
    shaped(session);
    None
}

#[session(create)]
#[get("/status")]
async fn status(session: Session<Main>) -> Status {
    shaped(session);
    Status::InternalServerError
}

#[session(create)]
#[get("/custom")]
async fn custom(session: Session<Main>) -> Custom<&'static str> {
    shaped(session);
    Custom(Status::InternalServerError, "custom")
}

pub(super) fn shapes() -> Vec<Route> {
    routes![
        unit,
        tuple,
        hidden,
        hidden_ok,
        hidden_err,
        derived,
        redirect,
        early,
        question_mark,
        aliased_err,
        none,
        status,
        custom
    ]
}
