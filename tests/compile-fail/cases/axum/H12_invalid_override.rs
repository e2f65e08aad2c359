//! An override that breaks a loader's rule.

use connect_session::{Session, session};

#[session(load, header = "Cookie")]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load, header = "X-Device-Session", header = "x-device-session")]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(load, query = "sid")]
async fn three(session: Session) -> String {
    session.id().to_string()
}

#[session(load, header = "X-Device-Session", emit = cookie)]
async fn four(session: Session) -> String {
    session.id().to_string()
}

#[session(load, cookie("__Host-sid"), bearer = "yes", allow_in_url = "no url", emit = [header, cookie])]
async fn five(session: Session) -> String {
    session.id().to_string()
}

const NAME: &str = "X Device";

#[session(load, header = NAME)]
async fn six(session: Session) -> String {
    session.id().to_string()
}

#[session(load, emit = cookie)]
async fn seven(session: Session) -> String {
    session.id().to_string()
}

#[session(load, cache = public)]
async fn eight(session: Session) -> String {
    session.id().to_string()
}

#[session(load, cache("shared"))]
async fn nine(session: Session) -> String {
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
