//! A `Result` so deep in the return type that it is not found.

use axum::http::StatusCode;
use connect_session::{Session, session};

type Headers = (H, H, H, H, H, H, H, H, H, H, H, H);
type H = [(&'static str, &'static str); 1];

#[session(load)]
async fn one(session: Session) -> (Headers, Headers, Result<&'static str, StatusCode>) {
    let _ = session;
    panic!("no value of this type is needed")
}

fn main() {}
