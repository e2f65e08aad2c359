//! A store whose expression keeps a value that is not `Send` across an `.await`.

use std::io;
use std::rc::Rc;

use connect_session::store::MemoryStore;
use connect_session::{Session, Untyped, session, session_config};

async fn build() -> io::Result<MemoryStore<Untyped>> {
    let shared = Rc::new(MemoryStore::new());
    std::future::ready(()).await;
    Ok((*shared).clone())
}

session_config! {
    struct Shop {
        store: MemoryStore<Untyped> = build().await?,
    }
}

#[session(create)]
async fn open(session: Session<Shop>) -> String {
    session.id().to_string()
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/", axum::routing::get(open));
}
