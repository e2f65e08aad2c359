//! A session that is not taken by value.

use connect_session::{Session, session};

use std::sync::Arc;

#[session(load)]
async fn one(session: &Session) -> String {
    session.id().to_string()
}

#[session(load)]
async fn two(session: &mut Session) -> String {
    session.id().to_string()
}

#[session(load)]
async fn three(sessions: Vec<Session>) -> String {
    sessions.len().to_string()
}

#[session(load)]
async fn four(session: Result<Session, ()>) -> String {
    session.is_ok().to_string()
}

#[session(load)]
async fn five(session: Option<Arc<Session>>) -> String {
    session.is_some().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three))
        .route("/four", axum::routing::get(four))
        .route("/five", axum::routing::get(five));
}
