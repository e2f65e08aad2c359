//! The attribute below salvo's own, which then sees an unmodified `Session` argument.

use connect_session::{Session, session};
use salvo::Writer as _;

#[salvo::handler]
#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _ = salvo::Router::with_path("one").get(one);
}
