//! The data type of another config.

use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
}

session_config! {
    pub struct Blog {}
}

#[session(load)]
async fn one(session: Session<Blog>) -> String {
    let cart: &Cart = &session;
    cart.visits.to_string()
}

fn main() {}
