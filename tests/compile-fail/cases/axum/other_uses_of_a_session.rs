//! Invalid uses of a session.

use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    items: Vec<String>,
}

session_config! {
    pub struct Shop { data: Cart }
}

#[session(load)]
async fn misspelled(mut session: Session<Shop>) {
    session.itmes.push("tea".to_owned());
}

#[session(load)]
async fn a_field(session: Session<Shop>) -> String {
    session.data.items.len().to_string()
}

#[session(load)]
async fn optional(session: Option<Session<Shop>>) -> String {
    session.items.len().to_string()
}

#[session(load)]
async fn called(session: Session<Shop>) {
    misspelled(session).await;
}

fn main() {}
