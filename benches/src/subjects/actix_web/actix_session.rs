//! actix-session, with its defaults and its cookie store, as it has no memory store. The session is
//! an encrypted cookie, which cannot be ended early: there are no `w5` and `w6`.

use actix_session::storage::{
    CookieSessionStore, LoadError, SaveError, SessionKey, SessionStore, UpdateError,
};
use actix_session::{Session, SessionMiddleware};
use actix_web::App;
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::test::init_service;
use actix_web::web::{ServiceConfig, post};

use super::over;
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::driver::Carrier;
use crate::subjects::counted::{Counted, Counting};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    over_store(workload, CookieSessionStore::default())
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = Counting::new(CookieSessionStore::default());
    Some((over_store(workload, store)?, calls))
}

fn over_store(workload: Workload, store: impl SessionStore + 'static) -> Option<Box<dyn Case>> {
    if matches!(workload, Workload::Destroy | Workload::Unknown) {
        return None;
    }
    let sessions = SessionMiddleware::new(store, Key::generate());
    let app = App::new().configure(routes).wrap(sessions);
    Some(Box::new(
        over(init_service(app), Carrier::Cookie, workload).in_cookie(),
    ))
}

fn routes(app: &mut ServiceConfig) {
    app.route("/optional", post().to(read))
        .route("/read", post().to(read))
        .route("/write", post().to(write))
        .route("/create", post().to(create))
        .route("/seed", post().to(seed));
}

fn visits(session: &Session) -> u64 {
    let visits = session.get("visits").expect("a number");
    visits.unwrap_or(0)
}

/// The library has no optional sessions: a missing session is empty.
async fn read(session: Session) -> String {
    handler_ran();
    visits(&session).to_string()
}

async fn write(session: Session) -> String {
    handler_ran();
    let visits = visits(&session) + 1;
    session.insert("visits", visits).expect("a number");
    visits.to_string()
}

async fn create(session: Session) -> String {
    handler_ran();
    session.insert("visits", 1).expect("a number");
    1.to_string()
}

async fn seed(session: Session) -> String {
    session.insert("visits", 41).expect("a number");
    let items = Data::seed().items;
    session.insert("items", items).expect("plain data");
    41.to_string()
}

type State = std::collections::HashMap<String, String>;

impl<S: SessionStore> SessionStore for Counting<S> {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        self.counted().load(key).await
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.counted().save(state, ttl).await
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.counted().update(key, state, ttl).await
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> anyhow::Result<()> {
        self.counted().update_ttl(key, ttl).await
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.counted().delete(key).await
    }
}
