//! Handlers with every kind of return type.

use ::salvo::http::StatusError;
use ::salvo::writing::Redirect;
use ::salvo::{Request, Response, Router, Writer, handler};
use connect_session::{Error, Session, session};
use http::StatusCode;

use crate::configs::Main;
use crate::frameworks::{Shape, shape};

pub(crate) const SHAPES: &[Shape] = &[
    shape("/main/shape/unit", StatusCode::OK, true),
    shape("/main/shape/nothing", StatusCode::CREATED, true),
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
#[handler]
async fn unit(session: Session<Main>) {
    shaped(session);
}

#[session(create)]
#[handler]
async fn nothing(session: Session<Main>, response: &mut Response) {
    shaped(session);
    response.status_code(StatusCode::CREATED);
    response.render("written by the handler itself");
}

#[session(create)]
#[handler]
async fn tuple(session: Session<Main>) -> (StatusCode, String) {
    shaped(session);
    (StatusCode::CREATED, "a tuple".to_owned())
}

#[session(create)]
#[handler]
async fn hidden(session: Session<Main>) -> impl Writer {
    shaped(session);
    StatusCode::ACCEPTED
}

#[session(create)]
#[handler]
async fn hidden_ok(session: Session<Main>) -> Result<impl Writer, StatusCode> {
    shaped(session);
    Ok("hidden")
}

#[session(create)]
#[handler]
async fn hidden_err(session: Session<Main>) -> Result<impl Writer, StatusCode> {
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
    Redirect::other("/elsewhere")
}

#[session(create)]
#[handler]
async fn early(session: Session<Main>, request: &mut Request) -> Result<StatusCode, Error> {
    shaped(session);
    if !request.headers().contains_key("x-late") {
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

type Aliased = Result<StatusCode, StatusError>;

#[session(create)]
#[handler]
async fn aliased_err(session: Session<Main>) -> Aliased {
    shaped(session);
    Err(StatusError::im_a_teapot())
}

#[session(create)]
#[handler]
async fn status(session: Session<Main>) -> StatusCode {
    shaped(session);
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(super) fn shapes(path: &str) -> Router {
    Router::with_path(path)
        .push(Router::with_path("unit").goal(unit))
        .push(Router::with_path("nothing").goal(nothing))
        .push(Router::with_path("tuple").goal(tuple))
        .push(Router::with_path("hidden").goal(hidden))
        .push(Router::with_path("hidden-ok").goal(hidden_ok))
        .push(Router::with_path("hidden-err").goal(hidden_err))
        .push(Router::with_path("redirect").goal(redirect))
        .push(Router::with_path("early").goal(early))
        .push(Router::with_path("question-mark").goal(question_mark))
        .push(Router::with_path("aliased-err").goal(aliased_err))
        .push(Router::with_path("status").goal(status))
}
