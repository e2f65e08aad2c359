//! axum_session, in memory and with its defaults.

use axum::Router;
use axum::routing::post;
use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};

use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

type Session = axum_session::Session<SessionNullPool>;

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    // The layer starts a task.
    let router = runtime.block_on(async {
        let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default());
        Router::new()
            .route("/optional", post(optional))
            .route("/read", post(read))
            .route("/write", post(write))
            .route("/create", post(create))
            .route("/seed", post(seed))
            .route("/destroy", post(destroy))
            .layer(SessionLayer::new(store.await.expect("a store")))
    });
    let case = OverAxum::new(router, Carrier::Cookie, workload);
    Some(Box::new(case.on(runtime)))
}

/// It has no optional sessions: one that may be missing is one that may be empty.
async fn optional(session: Session) -> String {
    handler_ran();
    visits(&session).to_string()
}

fn visits(session: &Session) -> u64 {
    session.get("visits").unwrap_or(0)
}

async fn read(session: Session) -> String {
    handler_ran();
    visits(&session).to_string()
}

async fn write(session: Session) -> String {
    handler_ran();
    let visits = visits(&session) + 1;
    session.set("visits", visits);
    visits.to_string()
}

async fn create(session: Session) -> String {
    handler_ran();
    session.set("visits", 1);
    1.to_string()
}

async fn seed(session: Session) -> String {
    session.set("visits", 41);
    session.set("items", Data::seed().items);
    41.to_string()
}

async fn destroy(session: Session) -> String {
    handler_ran();
    session.destroy();
    0.to_string()
}
