//! `fresh` and `level` in a handler that also runs without a login, and a login that `create` cannot have.

use connect_session::{LoggedIn, Session, session, session_config};

session_config! {
    struct Shop {}
}

type Perhaps = Option<LoggedIn<Shop>>;
type Anybody = Session<Shop>;

#[session(load, fresh = 5m)]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load, level = 2)]
async fn two(session: Option<Session<Shop>>) -> String {
    session.is_some().to_string()
}

#[session(load, fresh = 5m, level = 2)]
async fn three(session: Option<LoggedIn<Shop>>) -> String {
    session.is_some().to_string()
}

#[session(create, fresh = 5m)]
async fn four(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(create)]
async fn five(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = 5m)]
async fn six(#[session] session: Perhaps) -> String {
    session.is_some().to_string()
}

#[session(load, level = 2)]
async fn seven(#[session] session: Anybody) -> String {
    session.id().to_string()
}

#[session(load, max_age = 5m)]
async fn eight(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, login)]
async fn nine(session: Session<Shop>) -> String {
    session.id().to_string()
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
