//! Sessions in arguments of other kinds.

use axum::Extension;
use connect_session::{Session, SessionView, session, session_config};

session_config! {
    pub struct Shop {}
}

#[session(load)]
async fn one(Extension(session): Extension<Session>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn two(session: Shop) {
    let _ = session;
}

#[session(load)]
async fn three(session: SessionView<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn four(&session: Session) {}

#[session(load)]
async fn five(session: Option<Option<Session>>) -> String {
    session.is_some().to_string()
}

fn main() {}
