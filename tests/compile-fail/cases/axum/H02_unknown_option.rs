//! A mode or an option that does not exist.

use connect_session::{Session, session};

#[session(laod)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(creat, headr = "X-Device-Session", idle_timeout = 5, xyzzy)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session("load")]
async fn three(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three));
}
