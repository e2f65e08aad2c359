//! A handler of salvo's with a session but without the attribute.

use connect_session::{Session, session_config};
use salvo::Writer as _;

session_config! {
    pub struct Shop {}
}

#[salvo::handler]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

fn main() {}
