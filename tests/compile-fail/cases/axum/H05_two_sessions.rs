//! Two session arguments.

use connect_session::{Session, session, session_config};

session_config! {
    pub struct Shop {}
}

#[session(load)]
async fn one(session: Session, shop: Option<Session<Shop>>) -> String {
    format!("{} {}", session.id(), shop.is_some())
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/one", axum::routing::get(one));
}
