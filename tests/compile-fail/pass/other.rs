//! Code that compiles, one token away from the mistakes in the files `other_…`.

#![deny(unused_must_use)]

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use connect_session::store::{AnyStore, MemoryStore};
use connect_session::{Event, RequestHead, Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    items: Vec<String>,
    visits: u64,
}

fn find(_: &RequestHead<'_>) -> Option<String> {
    None
}

fn log(_: &Event<'_>) {}

const fn idle() -> Duration {
    Duration::from_secs(60)
}

const fn limit(kib: u64) -> u64 {
    kib * 1024
}

static HEADER: &str = "X-Shop-Session";

session_config! {
    /// Constants as values of options.
    pub struct Shop {
        data: Cart,
        idle_timeout: idle(),
        absolute_timeout: 90m,
        renew_every: Duration::from_secs(60),
        renew_grace: Duration::from_secs(1),
        max_size: limit(64),
        loaders: [header(HEADER), cookie("__Host-sid", same_site = Lax, secure), custom(find), custom(|_| None)],
        on_event: log,
        namespace: concat!("sh", "op"),
        store: AnyStore<Cart> = AnyStore::new(MemoryStore::new()),
        merge: { visits: add },
    }
}

// A map encodes as an object.
session_config! {
    struct Numbers { data: std::collections::BTreeMap<u8, u64> }
}

#[cfg(debug_assertions)]
const LIFE: Duration = Duration::from_secs(600);
#[cfg(not(debug_assertions))]
const LIFE: Duration = Duration::from_secs(60);

session_config! { struct Conditional { idle_timeout: LIFE, r#commit: always } }

#[session(r#load, header = "X-Shop-Session", bearer)]
async fn whole(session: Session<Shop>) -> impl IntoResponse {
    Json(session.data().clone())
}

struct Server;

impl Server {
    #[session(load)]
    async fn get(session: Session<Numbers>) -> String {
        session.len().to_string()
    }
}

macro_rules! handler {
    ($name:ident, $session:ident, $ty:ty, $mode:ident, $body:block) => {
        #[session($mode)]
        async fn $name($session: $ty) -> String $body
    };
}
handler!(of_a_macro, session, Session<Conditional>, create, { session.id().to_string() });

macro_rules! config {
    ($name:ident, $data:ty, $idle:expr, $header:literal, $vis:vis, $store:ty) => {
        session_config! {
            $vis struct $name { data: $data, idle_timeout: $idle, loaders: [header($header)], store: $store }
        }
    };
}
config!(OfAMacro, Cart, 30m, "X-Macro", pub(crate), MemoryStore<Cart>);

#[session(load)]
async fn held(mut session: Session<OfAMacro>) -> Result<(), connect_session::Error> {
    let items = &mut session.items;
    items.push("tea".to_owned());
    session.save().await
}

/// Both preludes at once: only `Error` needs its path.
mod globs {
    use axum::*;
    use connect_session::*;

    session_config! {
        pub struct Globbed {}
    }

    #[session(create)]
    async fn open(session: Session<Globbed>) -> Result<Json<String>, connect_session::Error> {
        Ok(Json(session.id().to_string()))
    }

    pub fn router() -> Router {
        Router::new().route("/globs", routing::post(open))
    }
}

fn main() {
    let _ = globs::router();
    let _: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(whole).post(Server::get).put(of_a_macro).delete(held));
}
