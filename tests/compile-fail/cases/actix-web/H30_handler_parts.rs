//! Return types and arguments that actix-web does not take. A future need not be `Send` there.

use std::rc::Rc;

use connect_session::{Error, Session, session};

#[derive(Debug)]
pub struct Failure;

pub struct Item;

#[session(load)]
#[actix_web::get("/")]
async fn number(session: Session) -> f64 {
    session.len() as f64
}

#[session(load)]
#[actix_web::get("/")]
async fn error(session: Session) -> Result<String, Failure> {
    let _ = session;
    Err(Failure)
}

#[session(load)]
#[actix_web::get("/")]
async fn argument(session: Session, item: Item) -> String {
    let _ = (session, item);
    String::new()
}

#[session(load)]
#[actix_web::get("/")]
async fn not_send(session: Session) -> Result<String, Error> {
    let shared = Rc::new(1);
    session.destroy().await?;
    Ok(shared.to_string())
}

fn main() {}
