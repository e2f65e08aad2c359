//! A session of a type that is not a config.

use connect_session::{Session, session};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
}

#[session(load)]
async fn one(session: Session<Cart>) -> String {
    let _ = session;
    String::new()
}

fn main() {}
