//! A handler with a session but no attribute. Without `debug_handler` axum prints no cause.

use connect_session::{LoggedIn, Session, session_config};

session_config! {
    pub struct Shop {}
}

#[axum::debug_handler]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[axum::debug_handler]
async fn two(session: LoggedIn<Shop>) -> String {
    session.id().to_string()
}

fn main() {}
