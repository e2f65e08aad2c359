//! A failure that the return type hides.

use connect_session::{Session, session};

use axum::response::IntoResponse;

#[session(load)]
async fn one(mut session: Session) -> impl IntoResponse {
    session.insert("a", 1)?;
    Ok::<_, connect_session::Error>("done")
}

#[session(load)]
async fn two(session: Session) -> impl IntoResponse {
    if session.is_empty() {
        Err("empty")
    } else {
        Ok("done")
    }
}

fn main() {}
