//! No mode.

use connect_session::{Session, session};

#[session]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session()]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(header = "X-Device-Session")]
async fn three(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three));
}
