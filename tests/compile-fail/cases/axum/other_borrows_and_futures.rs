//! Borrows and futures of a session: the compiler's own messages, which name the user's code.

use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    items: Vec<String>,
}

session_config! {
    pub struct Shop { data: Cart }
}

#[session(load)]
async fn not_mutable(session: Session<Shop>) {
    session.items.push("tea".to_owned());
}

#[session(load)]
async fn held(mut session: Session<Shop>) {
    let items = &mut session.items;
    let _ = session.save().await;
    items.push("tea".to_owned());
}

#[session(load)]
async fn spawned(mut session: Session<Shop>) {
    tokio::spawn(async { session.items.clear() });
}

fn main() {}
