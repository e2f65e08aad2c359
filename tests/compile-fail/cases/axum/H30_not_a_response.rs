//! Return types that axum cannot send, on handlers that are registered without `debug_handler`.

use std::fmt;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use connect_session::{Session, session};

#[derive(Debug)]
pub struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failure {}

#[session(load)]
async fn number(session: Session) -> u64 {
    session.len() as u64
}

#[session(load)]
async fn error(session: Session) -> Result<String, Failure> {
    let _ = session;
    Err(Failure)
}

#[session(load)]
async fn boxed(session: Session) -> Result<String, Box<dyn std::error::Error>> {
    let _ = session;
    Err(Box::new(Failure))
}

#[session(load)]
async fn value(session: Session) -> Result<u64, connect_session::Error> {
    Ok(session.len() as u64)
}

#[session(load)]
async fn hidden(session: Session) -> Result<impl IntoResponse, Failure> {
    let _ = session;
    if true { Ok("done") } else { Err(Failure) }
}

#[session(load)]
async fn inside(session: Session) -> (axum::http::StatusCode, u64) {
    (axum::http::StatusCode::OK, session.len() as u64)
}

fn main() {
    let _: Router = Router::new()
        .route("/number", get(number))
        .route("/error", get(error))
        .route("/boxed", get(boxed))
        .route("/value", get(value))
        .route("/hidden", get(hidden))
        .route("/inside", get(inside));
}
