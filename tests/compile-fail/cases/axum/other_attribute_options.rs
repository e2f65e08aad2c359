//! Other mistakes in the attribute.

use connect_session::{Session, session};

#[session(load, Session<Shop>)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load<Shop>)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(load?)]
async fn three(session: Session) -> String {
    session.id().to_string()
}

#[session(load, crate = "connect_session")]
async fn four(session: Session) -> String {
    session.id().to_string()
}

#[session(load, crate = 5)]
async fn five(session: Session) -> String {
    session.id().to_string()
}

#[session(load, Session::create, http::header)]
async fn six(session: Session) -> String {
    session.id().to_string()
}

macro_rules! handler {
    ($name:ident, $mode:ident) => {
        #[session($mode)]
        async fn $name(session: Session) -> String {
            session.id().to_string()
        }
    };
}
handler!(seven, laod);

fn main() {}
