//! Other sessions are ended, though the user may have logged in long ago.

use connect_session::{Error, LoggedIn, Session, session, session_config};

session_config! {
    struct Shop {}
}

#[session(load)]
async fn one(session: LoggedIn<Shop>) -> Result<String, Error> {
    Ok(session.end_others().await?.to_string())
}

#[session(load)]
async fn two(session: Session<Shop>) -> Result<String, Error> {
    let ended = async { session.end_others().await };
    Ok(ended.await?.to_string())
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two));
}
