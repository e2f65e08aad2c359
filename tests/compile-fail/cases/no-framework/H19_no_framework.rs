//! A handler without any enabled framework.

use connect_session::{Session, session};

#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load, http)]
async fn two(session: Session, request: http::Request<String>) -> http::Response<String> {
    http::Response::new(format!("{} {}", session.id(), request.uri()))
}

fn main() {}
