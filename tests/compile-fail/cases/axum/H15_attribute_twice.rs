//! The attribute twice.

use connect_session::{Session, session};

#[session(load)]
#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/one", axum::routing::get(one));
}
