//! A session that leaves the handler, or comes in a tuple.

use connect_session::{Session, session};

#[session(load)]
async fn one(session: Session) -> (String, Session) {
    (String::new(), session)
}

#[session(load)]
async fn two((session, body): (Session, String)) -> String {
    format!("{} {body}", session.id())
}

fn main() {}
