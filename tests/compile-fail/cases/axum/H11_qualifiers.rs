//! Functions with qualifiers that frameworks cannot call.

use connect_session::{Session, session};

#[session(load)]
async unsafe fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load)]
async extern "C" fn two(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two));
}
