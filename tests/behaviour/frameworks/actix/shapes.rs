//! Handlers with every kind of return type.

use ::actix_web::http::StatusCode;
use ::actix_web::web::{self, Redirect, ServiceConfig};
use ::actix_web::{Either, HttpRequest, HttpResponse, Responder};
use connect_session::{Error, Session, session};

use super::bodies::status as of_http;
use crate::configs::Main;
use crate::frameworks::{Shape, shape};

pub(crate) const SHAPES: &[Shape] = &[
    shape("/main/shape/text", http::StatusCode::OK, true),
    shape("/main/shape/unit", http::StatusCode::NO_CONTENT, true),
    shape("/main/shape/tuple", http::StatusCode::CREATED, true),
    shape("/main/shape/hidden", http::StatusCode::ACCEPTED, true),
    shape("/main/shape/hidden-ok", http::StatusCode::OK, true),
    shape(
        "/main/shape/hidden-err",
        http::StatusCode::IM_A_TEAPOT,
        false,
    ),
    shape("/main/shape/none", http::StatusCode::NOT_FOUND, true),
    shape("/main/shape/either", http::StatusCode::OK, true),
    shape("/main/shape/redirect", http::StatusCode::SEE_OTHER, true),
    shape("/main/shape/early", http::StatusCode::NO_CONTENT, true),
    shape(
        "/main/shape/question-mark",
        http::StatusCode::INTERNAL_SERVER_ERROR,
        false,
    ),
    shape(
        "/main/shape/aliased-err",
        http::StatusCode::IM_A_TEAPOT,
        false,
    ),
    // A status is not an `Err`: only a handler that returns `Err` has failed.
    shape(
        "/main/shape/status",
        http::StatusCode::INTERNAL_SERVER_ERROR,
        true,
    ),
];

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[session(create)]
async fn text(session: Session<Main>) -> &'static str {
    shaped(session);
    "a text"
}

#[session(create)]
async fn unit(session: Session<Main>) -> Result<(), Error> {
    shaped(session);
    Ok(())
}

#[session(create)]
async fn tuple(session: Session<Main>) -> (String, StatusCode) {
    shaped(session);
    ("a tuple".to_owned(), of_http(http::StatusCode::CREATED))
}

#[session(create)]
async fn hidden(session: Session<Main>) -> impl Responder {
    shaped(session);
    HttpResponse::Accepted()
}

#[session(create)]
async fn hidden_ok(session: Session<Main>) -> Result<impl Responder, ::actix_web::Error> {
    shaped(session);
    Ok("hidden")
}

#[session(create)]
async fn hidden_err(session: Session<Main>) -> Result<impl Responder, ::actix_web::Error> {
    shaped(session);
    if true {
        Err(::actix_web::error::ErrorImATeapot("no"))
    } else {
        Ok("hidden")
    }
}

#[session(create)]
async fn none(session: Session<Main>) -> Option<String> {
    shaped(session);
    None
}

#[session(create)]
async fn either(session: Session<Main>) -> Either<String, HttpResponse> {
    shaped(session);
    Either::Left("left".to_owned())
}

#[session(create)]
async fn redirect(session: Session<Main>) -> Redirect {
    shaped(session);
    Redirect::to("/elsewhere").see_other()
}

#[session(create)]
async fn early(session: Session<Main>, request: HttpRequest) -> Result<HttpResponse, Error> {
    shaped(session);
    if !request.headers().contains_key("x-late") {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(HttpResponse::Ok().finish())
}

#[session(create)]
async fn question_mark(mut session: Session<Main>) -> Result<HttpResponse, Error> {
    session.items.push("shaped".to_owned());
    session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO)?;
    Ok(HttpResponse::Ok().finish())
}

type Aliased = ::actix_web::Result<HttpResponse>;

#[session(create)]
async fn aliased_err(session: Session<Main>) -> Aliased {
    shaped(session);
    Err(::actix_web::error::ErrorImATeapot("no"))
}

#[session(create)]
async fn status(session: Session<Main>) -> HttpResponse {
    shaped(session);
    HttpResponse::InternalServerError().finish()
}

pub(super) fn shapes(shapes: &mut ServiceConfig) {
    shapes
        .route("/text", web::to(text))
        .route("/unit", web::to(unit))
        .route("/tuple", web::to(tuple))
        .route("/hidden", web::to(hidden))
        .route("/hidden-ok", web::to(hidden_ok))
        .route("/hidden-err", web::to(hidden_err))
        .route("/none", web::to(none))
        .route("/either", web::to(either))
        .route("/redirect", web::to(redirect))
        .route("/early", web::to(early))
        .route("/question-mark", web::to(question_mark))
        .route("/aliased-err", web::to(aliased_err))
        .route("/status", web::to(status));
}
