//! The attribute below a framework's own, which then sees an unmodified `Session` argument.

use connect_session::{Session, session};

#[axum::debug_handler]
#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/one", axum::routing::get(one));
}
