//! Handlers whose `Err` is hidden by their return type, or inside another value.

use ::actix_web::error::ErrorImATeapot;
use ::actix_web::http::StatusCode;
use ::actix_web::web::{self, ServiceConfig};
use ::actix_web::{Either, HttpRequest, HttpResponse, Responder};
use connect_session::{Session, session};

use crate::configs::Main;
use crate::frameworks::{Shape, shape};

const OK: http::StatusCode = http::StatusCode::OK;
const TEAPOT: http::StatusCode = http::StatusCode::IM_A_TEAPOT;

pub(crate) const FAILURES: &[Shape] = &[
    shape("/main/failure/call", TEAPOT, false),
    shape("/main/failure/call-ok", OK, true),
    shape("/main/failure/awaited", TEAPOT, false),
    shape("/main/failure/early", TEAPOT, false),
    shape("/main/failure/hidden-tuple", OK, false),
    shape("/main/failure/in-ok", TEAPOT, false),
    shape("/main/failure/tuple", OK, false),
    shape("/main/failure/tuple-ok", OK, true),
    shape("/main/failure/nested", TEAPOT, false),
    shape("/main/failure/nested-ok", OK, true),
    shape("/main/failure/option", TEAPOT, false),
    shape("/main/failure/either", TEAPOT, false),
    shape("/main/failure/either-left", OK, true),
    shape("/main/failure/deep", TEAPOT, false),
];

type Outcome = ::actix_web::Result<&'static str>;

fn shaped(mut session: Session<Main>) {
    session.items.push("shaped".to_owned());
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn works() -> Outcome {
    Ok("fine")
}

#[allow(clippy::unnecessary_wraps, reason = "the type is what is tested")]
fn fails() -> Outcome {
    Err(ErrorImATeapot("no"))
}

#[allow(clippy::unused_async, reason = "its caller awaits a failure")]
async fn fails_later() -> Outcome {
    fails()
}

#[session(create)]
async fn call(session: Session<Main>) -> impl Responder {
    shaped(session);
    fails()
}

#[session(create)]
async fn call_ok(session: Session<Main>) -> impl Responder {
    shaped(session);
    works()
}

#[session(create)]
async fn awaited(session: Session<Main>) -> impl Responder {
    shaped(session);
    fails_later().await
}

#[session(create)]
async fn early(session: Session<Main>, request: HttpRequest) -> impl Responder {
    shaped(session);
    if !request.headers().contains_key("x-late") {
        return fails();
    }
    works()
}

#[session(create)]
async fn hidden_tuple(session: Session<Main>) -> impl Responder {
    shaped(session);
    (fails(), StatusCode::OK)
}

#[session(create)]
async fn in_ok(session: Session<Main>) -> ::actix_web::Result<impl Responder> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
async fn tuple(session: Session<Main>) -> (Outcome, StatusCode) {
    shaped(session);
    (fails(), StatusCode::OK)
}

#[session(create)]
async fn tuple_ok(session: Session<Main>) -> (Outcome, StatusCode) {
    shaped(session);
    (works(), StatusCode::OK)
}

#[session(create)]
async fn nested(session: Session<Main>) -> ::actix_web::Result<Outcome> {
    shaped(session);
    Ok(fails())
}

#[session(create)]
async fn nested_ok(session: Session<Main>) -> ::actix_web::Result<Outcome> {
    shaped(session);
    Ok(works())
}

#[session(create)]
async fn option(session: Session<Main>) -> Option<Outcome> {
    shaped(session);
    Some(fails())
}

#[session(create)]
async fn either(session: Session<Main>) -> Either<HttpResponse, Outcome> {
    shaped(session);
    Either::Right(fails())
}

#[session(create)]
async fn either_left(session: Session<Main>) -> Either<HttpResponse, Outcome> {
    shaped(session);
    Either::Left(HttpResponse::Ok().finish())
}

#[session(create)]
async fn deep(session: Session<Main>) -> Either<Option<Either<Outcome, String>>, HttpResponse> {
    shaped(session);
    Either::Left(Some(Either::Left(fails())))
}

pub(super) fn failures(failures: &mut ServiceConfig) {
    failures
        .route("/call", web::to(call))
        .route("/call-ok", web::to(call_ok))
        .route("/awaited", web::to(awaited))
        .route("/early", web::to(early))
        .route("/hidden-tuple", web::to(hidden_tuple))
        .route("/in-ok", web::to(in_ok))
        .route("/tuple", web::to(tuple))
        .route("/tuple-ok", web::to(tuple_ok))
        .route("/nested", web::to(nested))
        .route("/nested-ok", web::to(nested_ok))
        .route("/option", web::to(option))
        .route("/either", web::to(either))
        .route("/either-left", web::to(either_left))
        .route("/deep", web::to(deep));
}
