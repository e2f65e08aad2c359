//! salvo's own sessions, with their memory store and their defaults.

use async_trait::async_trait;
use salvo::session::{MemoryStore, Session, SessionDepotExt as _, SessionHandler, SessionStore};
use salvo::{Depot, Router, handler};

use super::over;
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::driver::Carrier;
use crate::subjects::counted::{Counted, Counting};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(over_store(workload, MemoryStore::new()))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = Counting::new(MemoryStore::new());
    Some((over_store(workload, store), calls))
}

fn over_store(
    workload: Workload,
    store: impl SessionStore + Send + Sync + 'static,
) -> Box<dyn Case> {
    let key: [u8; 64] = std::array::from_fn(|_| rand::random());
    let sessions = SessionHandler::builder(store, &key);
    let router = Router::new()
        .hoop(sessions.build().expect("sessions"))
        .push(Router::with_path("/optional").post(read))
        .push(Router::with_path("/read").post(read))
        .push(Router::with_path("/write").post(write))
        .push(Router::with_path("/create").post(create))
        .push(Router::with_path("/seed").post(seed))
        .push(Router::with_path("/destroy").post(destroy));
    Box::new(over(router, Carrier::Cookie, workload))
}

fn of(depot: &mut Depot) -> &mut Session {
    depot.session_mut().expect("a session")
}

fn visits(session: &Session) -> u64 {
    session.get("visits").unwrap_or(0)
}

/// The library has no optional sessions: a missing session is empty.
#[handler]
async fn read(depot: &mut Depot) -> String {
    handler_ran();
    visits(of(depot)).to_string()
}

#[handler]
async fn write(depot: &mut Depot) -> String {
    handler_ran();
    let session = of(depot);
    let visits = visits(session) + 1;
    session.insert("visits", visits).expect("a number");
    visits.to_string()
}

#[handler]
async fn create(depot: &mut Depot) -> String {
    handler_ran();
    of(depot).insert("visits", 1).expect("a number");
    1.to_string()
}

#[handler]
async fn seed(depot: &mut Depot) -> String {
    let session = of(depot);
    session.insert("visits", 41).expect("a number");
    let items = Data::seed().items;
    session.insert("items", items).expect("plain data");
    41.to_string()
}

#[handler]
async fn destroy(depot: &mut Depot) -> String {
    handler_ran();
    of(depot).destroy();
    0.to_string()
}

#[async_trait]
impl<S: SessionStore + Send + Sync> SessionStore for Counting<S> {
    async fn load_session(&self, cookie: String) -> anyhow::Result<Option<Session>> {
        self.counted().load_session(cookie).await
    }

    async fn store_session(&self, session: Session) -> anyhow::Result<Option<String>> {
        self.counted().store_session(session).await
    }

    async fn destroy_session(&self, session: Session) -> anyhow::Result<()> {
        self.counted().destroy_session(session).await
    }

    async fn clear_store(&self) -> anyhow::Result<()> {
        self.counted().clear_store().await
    }
}
