//! A created session that may be missing.

use connect_session::{Session, session};

type Perhaps = Option<Session>;

#[session(create)]
async fn one(session: Option<Session>) -> String {
    session.is_some().to_string()
}

#[session(create)]
async fn two(#[session] session: Perhaps) -> String {
    session.is_some().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two));
}
