//! Two modes, or a mode or option twice.

use connect_session::{Session, session};

#[session(create, load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load, load, emit = header, emit = header)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two));
}
