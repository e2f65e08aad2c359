//! tower-sessions, with its memory store and its defaults.

use std::sync::LazyLock;

use async_trait::async_trait;
use axum::Router;
use axum::routing::post;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Result, SessionStore};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use super::counted::{Counted, Counting};
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(over_axum(workload, MemoryStore::default())))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = Counting::new(MemoryStore::default());
    Some((Box::new(over_axum(workload, store)), calls))
}

/// All cases created by this function share one store.
pub fn with_one_store(workload: Workload) -> OverAxum {
    static STORE: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::default);
    over_axum(workload, STORE.clone())
}

fn over_axum(workload: Workload, store: impl SessionStore + Clone) -> OverAxum {
    OverAxum::new(router_over(store), Carrier::Cookie, workload)
}

#[cfg(feature = "load")]
pub fn router() -> Router {
    router_over(MemoryStore::default())
}

fn router_over(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
        .layer(SessionManagerLayer::new(store))
}

/// The library has no optional sessions: a missing session is empty. Without a cookie, does not
/// access the session.
async fn optional(session: Session) -> String {
    handler_ran();
    let visits = match session.id() {
        Some(_) => visits(&session).await,
        None => 0,
    };
    visits.to_string()
}

async fn visits(session: &Session) -> u64 {
    let visits = session.get::<u64>("visits").await.expect("a store");
    visits.unwrap_or(0)
}

async fn read(session: Session) -> String {
    handler_ran();
    visits(&session).await.to_string()
}

async fn write(session: Session) -> String {
    handler_ran();
    let visits = visits(&session).await + 1;
    session.insert("visits", visits).await.expect("a store");
    visits.to_string()
}

async fn create(session: Session) -> String {
    handler_ran();
    session.insert("visits", 1).await.expect("a store");
    1.to_string()
}

async fn seed(session: Session) -> String {
    session.insert("visits", 41).await.expect("a store");
    session
        .insert("items", Data::seed().items)
        .await
        .expect("a store");
    41.to_string()
}

async fn destroy(session: Session) -> String {
    handler_ran();
    session.flush().await.expect("a store");
    0.to_string()
}

#[async_trait]
impl<S: SessionStore> SessionStore for Counting<S> {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.counted().create(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.counted().save(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.counted().load(id).await
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.counted().delete(id).await
    }
}
