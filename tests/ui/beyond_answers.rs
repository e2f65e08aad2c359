//! A session used as what it is not.

use axum::Json;
use axum::response::IntoResponse;
use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    items: Vec<String>,
}

session_config! {
    pub struct Shop { data: Cart }
}

#[session(load)]
async fn whole(session: Session<Shop>) -> impl IntoResponse {
    Json(session)
}

fn text(session: &Session) -> Result<String, serde_json::Error> {
    serde_json::to_string(session)
}

#[session(load)]
async fn misspelled(mut session: Session<Shop>) {
    session.itmes.push("tea".to_owned());
}

#[session(load)]
async fn a_field(session: Session<Shop>) -> usize {
    session.data.items.len()
}

#[session(load)]
async fn optional(session: Option<Session<Shop>>) -> usize {
    session.items.len()
}

#[session(load)]
async fn called(session: Session<Shop>) {
    misspelled(session).await;
}

fn main() {}
