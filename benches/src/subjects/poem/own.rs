//! poem's own sessions, with its memory store and its defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use poem::session::{CookieConfig, MemoryStorage, ServerSession, Session, SessionStorage};
use poem::{EndpointExt as _, Result, Route, handler, post};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::over;
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::driver::Carrier;
use crate::subjects::counted::{Counted, Counting};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    let runtime = runtime();
    let store = runtime.block_on(async { MemoryStorage::default() });
    Some(over_store(workload, store, runtime))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let runtime = runtime();
    let store = runtime.block_on(async { MemoryStorage::default() });
    let (store, calls) = Counting::new(store);
    Some((over_store(workload, store, runtime), calls))
}

/// The store spawns a task.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

fn over_store(
    workload: Workload,
    store: impl SessionStorage + 'static,
    runtime: Runtime,
) -> Box<dyn Case> {
    let routes = Route::new()
        .at("/optional", post(read))
        .at("/read", post(read))
        .at("/write", post(write))
        .at("/create", post(create))
        .at("/seed", post(seed))
        .at("/destroy", post(destroy))
        .with(ServerSession::new(CookieConfig::default(), store));
    Box::new(over(routes, Carrier::Cookie, workload).on(runtime))
}

fn visits(session: &Session) -> u64 {
    session.get("visits").unwrap_or(0)
}

/// The library has no optional sessions: a missing session is empty.
#[handler]
async fn read(session: &Session) -> String {
    handler_ran();
    visits(session).to_string()
}

#[handler]
async fn write(session: &Session) -> String {
    handler_ran();
    let visits = visits(session) + 1;
    session.set("visits", visits);
    visits.to_string()
}

#[handler]
async fn create(session: &Session) -> String {
    handler_ran();
    session.set("visits", 1);
    1.to_string()
}

#[handler]
async fn seed(session: &Session) -> String {
    session.set("visits", 41);
    session.set("items", Data::seed().items);
    41.to_string()
}

#[handler]
async fn destroy(session: &Session) -> String {
    handler_ran();
    session.purge();
    0.to_string()
}

type Entries = BTreeMap<String, Value>;

impl<S: SessionStorage> SessionStorage for Counting<S> {
    async fn load_session<'a>(&'a self, id: &'a str) -> Result<Option<Entries>> {
        self.counted().load_session(id).await
    }

    async fn update_session<'a>(
        &'a self,
        id: &'a str,
        entries: &'a Entries,
        expires: Option<Duration>,
    ) -> Result<()> {
        self.counted().update_session(id, entries, expires).await
    }

    async fn remove_session<'a>(&'a self, id: &'a str) -> Result<()> {
        self.counted().remove_session(id).await
    }
}
