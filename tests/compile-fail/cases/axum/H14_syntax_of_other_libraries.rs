//! The syntax of other libraries.

use connect_session::{Session, session};

#[session(load, config = "Shop")]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load, optional)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(destroy)]
async fn three(session: Session) -> String {
    session.id().to_string()
}

#[session(load, header: "X-Device-Session")]
async fn four(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three))
        .route("/four", axum::routing::get(four));
}
