//! The other libraries, with handlers that overlap: in memory and with their defaults.

use axum::Router;
use axum::extract::Path;
use axum::routing::post;

use super::client::Client;
use super::overlap::{Library, all_have_loaded};

pub async fn all() -> Vec<Library> {
    vec![
        Library {
            name: "tower-sessions, memory".to_owned(),
            keys: tower_sessions(),
            stranger: tower_sessions(),
            counter: tower_sessions(),
            updates: false,
        },
        Library {
            name: "axum_session, memory".to_owned(),
            keys: axum_session().await,
            stranger: axum_session().await,
            counter: axum_session().await,
            updates: false,
        },
    ]
}

fn tower_sessions() -> Client {
    use tower::*;
    let router = Router::new()
        .route("/seed", post(seed))
        .route("/read", post(read))
        .route("/key/{number}", post(key))
        .route("/has/{number}", post(has))
        .route("/add", post(add))
        .route("/add-after-two", post(add_after_two))
        .route("/add-and-wait", post(add_and_wait))
        .route("/destroy", post(destroy))
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    Client::by_cookie(router)
}

mod tower {
    use super::{Path, all_have_loaded};
    pub use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

    async fn visits(session: &Session) -> u64 {
        let visits = session.get("visits").await.expect("a store");
        visits.unwrap_or(0)
    }

    async fn set(session: &Session, visits: u64) {
        session.insert("visits", visits).await.expect("a store");
    }

    pub async fn seed(session: Session) -> String {
        set(&session, 41).await;
        41.to_string()
    }

    pub async fn read(session: Session) -> String {
        visits(&session).await.to_string()
    }

    pub async fn key(Path(number): Path<usize>, session: Session) {
        visits(&session).await;
        all_have_loaded().await;
        let key = number.to_string();
        session.insert(&key, true).await.expect("a store");
    }

    pub async fn has(Path(number): Path<usize>, session: Session) -> String {
        let key = number.to_string();
        let value: Option<bool> = session.get(&key).await.expect("a store");
        value.is_some().to_string()
    }

    pub async fn add(session: Session) {
        let visits = visits(&session).await;
        all_have_loaded().await;
        set(&session, visits + 1).await;
    }

    pub async fn add_after_two(session: Session) {
        let visits = visits(&session).await;
        all_have_loaded().await;
        all_have_loaded().await;
        set(&session, visits + 1).await;
    }

    pub async fn add_and_wait(session: Session) {
        let visits = visits(&session).await;
        set(&session, visits + 1).await;
        all_have_loaded().await;
        std::future::pending().await
    }

    pub async fn destroy(session: Session) -> String {
        session.flush().await.expect("a store");
        0.to_string()
    }
}

async fn axum_session() -> Client {
    use axum_session_in_memory::*;
    let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default());
    let router = Router::new()
        .route("/seed", post(seed))
        .route("/read", post(read))
        .route("/key/{number}", post(key))
        .route("/has/{number}", post(has))
        .route("/add", post(add))
        .route("/add-after-two", post(add_after_two))
        .route("/add-and-wait", post(add_and_wait))
        .route("/destroy", post(destroy))
        .layer(SessionLayer::new(store.await.expect("a store")));
    Client::by_cookie(router)
}

mod axum_session_in_memory {
    use super::{Path, all_have_loaded};
    pub use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};

    type Session = axum_session::Session<SessionNullPool>;

    fn visits(session: &Session) -> u64 {
        session.get("visits").unwrap_or(0)
    }

    pub async fn seed(session: Session) -> String {
        session.set("visits", 41);
        41.to_string()
    }

    pub async fn read(session: Session) -> String {
        visits(&session).to_string()
    }

    pub async fn key(Path(number): Path<usize>, session: Session) {
        visits(&session);
        all_have_loaded().await;
        session.set(&number.to_string(), true);
    }

    pub async fn has(Path(number): Path<usize>, session: Session) -> String {
        let value: Option<bool> = session.get(&number.to_string());
        value.is_some().to_string()
    }

    pub async fn add(session: Session) {
        let visits = visits(&session);
        all_have_loaded().await;
        session.set("visits", visits + 1);
    }

    pub async fn add_after_two(session: Session) {
        let visits = visits(&session);
        all_have_loaded().await;
        all_have_loaded().await;
        session.set("visits", visits + 1);
    }

    pub async fn add_and_wait(session: Session) {
        session.set("visits", visits(&session) + 1);
        all_have_loaded().await;
        std::future::pending().await
    }

    pub async fn destroy(session: Session) -> String {
        session.destroy();
        0.to_string()
    }
}
