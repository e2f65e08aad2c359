//! A method.

use connect_session::{Session, session};

struct Shop;

impl Shop {
    #[session(load)]
    async fn one(&self, session: Session) -> String {
        session.id().to_string()
    }

    #[session(load)]
    async fn two(session: Session) -> Self {
        let _ = session;
        Shop
    }

    #[session(load)]
    async fn three(session: Session) -> String {
        Self::name(&session)
    }

    fn name(session: &Session) -> String {
        session.id().to_string()
    }
}

fn main() {}
