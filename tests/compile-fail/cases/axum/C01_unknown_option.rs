//! An option that does not exist.

use connect_session::store::MemoryStore;
use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Cart {
    items: Vec<String>,
    visits: u64,
}

session_config! {
    pub struct Shop {
        idle_timeuot: 30m,
        ttl: 1h,
        header: "X-User-Session",
        framework: axum,
        max_size: 64KiB,
    }
}

// Their handlers see the data that was meant.
session_config! {
    struct Blog {
        dta: Cart,
        merge: { visits: add },
    }
}

session_config! {
    struct Forum {
        state: Cart,
        storage: MemoryStore<Cart> = MemoryStore::new(),
    }
}

#[session(load)]
async fn blog(mut session: Session<Blog>) -> String {
    session.visits += 1;
    session.items.join(" ")
}

#[session(load)]
async fn forum(mut session: Session<Forum>) -> String {
    session.visits += 1;
    session.items.join(" ")
}

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/blog", axum::routing::get(blog))
        .route("/forum", axum::routing::get(forum));
}
