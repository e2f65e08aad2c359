//! Ten broken handlers cause ten errors and no errors in the route table, because each handler is
//! still emitted with the expected type.

use axum::routing::get;
use connect_session::{Session, session, session_config};

session_config! {
    pub struct Shop {}
}

#[session]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(laod)]
async fn two(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load, header = "Host")]
async fn three(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn four(session: &mut Session<Shop>) -> String {
    session.insert("a", 1).ok();
    session.id().to_string()
}

#[session(load)]
fn five(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(create)]
async fn six(session: Option<Session<Shop>>) -> String {
    session.is_some().to_string()
}

#[session(load, config = "Shop")]
async fn seven(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn eight(session: Session<Shop>, other: Session) -> String {
    format!("{} {}", session.id(), other.id())
}

#[session(load)]
#[session(load)]
async fn nine(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn ten(session: Result<Session<Shop>, ()>) -> String {
    session.is_ok().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/one", get(one))
        .route("/two", get(two))
        .route("/three", get(three))
        .route("/four", get(four))
        .route("/five", get(five))
        .route("/six", get(six))
        .route("/seven", get(seven))
        .route("/eight", get(eight))
        .route("/nine", get(nine))
        .route("/ten", get(ten));
}
