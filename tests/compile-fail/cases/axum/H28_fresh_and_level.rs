//! Values of `fresh` and `level` that no login meets, or every login.

use std::time::Duration;

use connect_session::{LoggedIn, session, session_config};

session_config! {
    struct Shop { absolute_timeout: 12h }
}

const DAY: Duration = Duration::from_secs(86_400);
const NONE: u8 = 0;

#[session(load, fresh = 0s)]
async fn one(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = 12h)]
async fn two(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = DAY)]
async fn three(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, level = 0)]
async fn four(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, level = 300)]
async fn five(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, level = NONE)]
async fn six(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = 5min)]
async fn seven(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh)]
async fn eight(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = never, level = "2")]
async fn nine(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", axum::routing::get(one))
        .route("/two", axum::routing::get(two))
        .route("/three", axum::routing::get(three))
        .route("/four", axum::routing::get(four))
        .route("/five", axum::routing::get(five))
        .route("/six", axum::routing::get(six))
        .route("/seven", axum::routing::get(seven))
        .route("/eight", axum::routing::get(eight))
        .route("/nine", axum::routing::get(nine));
}
