//! A handler that is not async.

use connect_session::{Session, session};

#[session(load)]
fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/one", axum::routing::get(one));
}
