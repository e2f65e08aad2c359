//! An `http` handler without a request.

use connect_session::{Session, session};

#[session(load, http)]
async fn one(session: Session) -> http::Response<String> {
    http::Response::new(session.id().to_string())
}

#[session(load, http)]
async fn two(session: Session, request: http::Request<String>) -> String {
    format!("{} {}", session.id(), request.uri())
}

fn main() {}
