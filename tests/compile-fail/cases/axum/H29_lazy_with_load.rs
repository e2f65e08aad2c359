//! `lazy` where no session is created.

use connect_session::{Session, session};

#[session(load, lazy)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(lazy)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(create, lazy = true)]
async fn three(session: Session) -> String {
    session.id().to_string()
}

#[session(create, lazy)]
async fn four(session: Option<Session>) -> String {
    session.is_some().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three))
        .route("/four", axum::routing::get(four));
}
