//! Handlers in an `impl`, and two handlers with one name.

use connect_session::{Session, session, session_config};

trait Api {
    async fn list(&self, session: Session) -> String;
    async fn get(session: Session) -> String;
}

struct Server;

impl Api for Server {
    #[session(load)]
    async fn list(&self, session: Session) -> String {
        session.id().to_string()
    }

    #[session(load)]
    async fn get(session: Session) -> String {
        session.id().to_string()
    }
}

#[session(load)]
async fn twice(session: Session) -> String {
    session.id().to_string()
}

#[session(create)]
async fn twice(session: Session) -> String {
    session.id().to_string()
}

session_config! {
    pub struct Shop {}
}

session_config! {
    pub struct Shop {}
}

fn main() {}
