//! A handler of poem's with a session but without the attribute.

use connect_session::{Session, session_config};

session_config! {
    pub struct Shop {}
}

#[poem::handler]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[poem::handler]
async fn other(session: Option<Session<Shop>>) -> String {
    session.map(|session| session.id().to_string()).unwrap_or_default()
}

fn main() {}
