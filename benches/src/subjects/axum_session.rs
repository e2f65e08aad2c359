//! axum_session, in memory and with its defaults.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::post;
use axum_session::{
    DatabaseError, DatabasePool, Session, SessionConfig, SessionLayer, SessionNullPool,
    SessionStore,
};
use dashmap::DashMap;

use super::counted::{Counted, Counting};
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(over_pool::<SessionNullPool>(workload, None))
}

/// Its memory store has no trait, so this counts the operations of an additional database.
pub fn counted(workload: Workload) -> Option<Counted> {
    let (pool, calls) = Counting::new(Texts::default());
    Some((over_pool(workload, Some(pool)), calls))
}

trait Pool: DatabasePool + Clone + Debug + Send + Sync + 'static {}

impl<P: DatabasePool + Clone + Debug + Send + Sync + 'static> Pool for P {}

fn over_pool<P: Pool>(workload: Workload, pool: Option<P>) -> Box<dyn Case> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    // Creating the layer spawns a task.
    let router = runtime.block_on(async {
        let store = SessionStore::new(pool, SessionConfig::default());
        Router::new()
            .route("/optional", post(read::<P>))
            .route("/read", post(read::<P>))
            .route("/write", post(write::<P>))
            .route("/create", post(create::<P>))
            .route("/seed", post(seed::<P>))
            .route("/destroy", post(destroy::<P>))
            .layer(SessionLayer::new(store.await.expect("a store")))
    });
    Box::new(OverAxum::new(router, Carrier::Cookie, workload).on(runtime))
}

fn visits<P: Pool>(session: &Session<P>) -> u64 {
    session.get("visits").unwrap_or(0)
}

/// The library has no optional sessions: a missing session is empty.
async fn read<P: Pool>(session: Session<P>) -> String {
    handler_ran();
    visits(&session).to_string()
}

async fn write<P: Pool>(session: Session<P>) -> String {
    handler_ran();
    let visits = visits(&session) + 1;
    session.set("visits", visits);
    visits.to_string()
}

async fn create<P: Pool>(session: Session<P>) -> String {
    handler_ran();
    session.set("visits", 1);
    1.to_string()
}

async fn seed<P: Pool>(session: Session<P>) -> String {
    session.set("visits", 41);
    session.set("items", Data::seed().items);
    41.to_string()
}

async fn destroy<P: Pool>(session: Session<P>) -> String {
    handler_ran();
    session.destroy();
    0.to_string()
}

/// A database of strings.
type Texts = Arc<DashMap<String, String>>;

type Outcome<T> = Result<T, DatabaseError>;

#[async_trait]
impl DatabasePool for Counting<Texts> {
    async fn initiate(&self, _: &str) -> Outcome<()> {
        Ok(())
    }

    async fn count(&self, _: &str) -> Outcome<i64> {
        Ok(self.counted().len() as i64)
    }

    async fn store(&self, id: &str, session: &str, _: i64, _: &str) -> Outcome<()> {
        self.counted().insert(id.to_owned(), session.to_owned());
        Ok(())
    }

    async fn load(&self, id: &str, _: &str) -> Outcome<Option<String>> {
        Ok(self.counted().get(id).map(|text| text.clone()))
    }

    async fn delete_one_by_id(&self, id: &str, _: &str) -> Outcome<()> {
        self.counted().remove(id);
        Ok(())
    }

    async fn exists(&self, id: &str, _: &str) -> Outcome<bool> {
        Ok(self.counted().contains_key(id))
    }

    async fn delete_by_expiry(&self, _: &str) -> Outcome<Vec<String>> {
        self.counted();
        Ok(Vec::new())
    }

    async fn delete_all(&self, _: &str) -> Outcome<()> {
        self.counted().clear();
        Ok(())
    }

    async fn get_ids(&self, _: &str) -> Outcome<Vec<String>> {
        let ids = self.counted().iter();
        Ok(ids.map(|entry| entry.key().clone()).collect())
    }

    fn auto_handles_expiry(&self) -> bool {
        false
    }
}
