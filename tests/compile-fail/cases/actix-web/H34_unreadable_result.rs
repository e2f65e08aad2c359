//! A `Result` inside of a responder that gives no access to it.

use actix_web::http::StatusCode;
use actix_web::{CustomizeResponder, Responder, web};
use connect_session::{Session, session};

fn find() -> actix_web::Result<String> {
    Ok("found".to_owned())
}

#[session(load)]
async fn one(session: Session) -> CustomizeResponder<actix_web::Result<String>> {
    let _ = session;
    find().customize().with_status(StatusCode::CREATED)
}

#[session(load)]
async fn two(session: Session) -> impl Responder {
    let _ = session;
    find().customize().with_status(StatusCode::CREATED)
}

fn main() {
    let _ = web::get().to(one);
    let _ = web::get().to(two);
}
