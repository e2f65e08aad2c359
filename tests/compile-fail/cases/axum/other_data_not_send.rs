//! Data that cannot be shared between threads, and a handler and a route that use it.

use std::cell::Cell;
use std::rc::Rc;

use axum::Router;
use axum::routing::get;
use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    #[serde(skip)]
    pub shared: Rc<String>,
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Counter {
    pub count: Cell<u64>,
}

session_config! {
    pub struct Shop { data: Cart }
}

session_config! {
    pub struct Blog { data: Counter }
}

#[session(load)]
async fn shop(session: Session<Shop>) -> String {
    session.shared.to_string()
}

#[session(load)]
async fn blog(session: Session<Blog>) -> String {
    session.count.get().to_string()
}

fn main() {
    let _: Router = Router::new().route("/shop", get(shop)).route("/blog", get(blog));
}
