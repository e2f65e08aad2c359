//! Return types and arguments that the framework does not take, and a future that is not `Send`.

use std::rc::Rc;

use connect_session::{Error, Session, session};

#[derive(Debug)]
pub struct Failure;

pub struct Item;

#[session(load)]
#[poem::handler]
async fn number(session: Session) -> f64 {
    session.len() as f64
}

#[session(load)]
#[poem::handler]
async fn error(session: Session) -> Result<String, Failure> {
    let _ = session;
    Err(Failure)
}

#[session(load)]
#[poem::handler]
async fn argument(session: Session, item: Item) -> String {
    let _ = (session, item);
    String::new()
}

#[session(load)]
#[poem::handler]
async fn not_send(session: Session) -> Result<String, Error> {
    let shared = Rc::new(1);
    session.destroy().await?;
    Ok(shared.to_string())
}

fn main() {}
