//! No session argument, or one behind an alias.

use connect_session::{Session, session};

type Mine = Session;
type MySession = Session;

#[session(load)]
async fn one() -> &'static str {
    "none"
}

#[session(load)]
async fn two(mine: MySession) -> String {
    mine.id().to_string()
}

#[session(load)]
async fn three(#[session] mine: Mine) -> String {
    mine.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three));
}
