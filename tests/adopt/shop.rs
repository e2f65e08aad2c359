//! The new program, and what holds for each old library.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post as on_post;
use connect_session::adopt::Adopted;
use connect_session::store::{RedisStore, Store};
use connect_session::{
    Error, LoggedIn, Session, SessionConfig, SessionLayer, SessionView, session,
};
use serde::{Deserialize, Serialize};

use crate::client::{post, post_at_once, serve};
use crate::servers;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cart {
    pub items: Vec<String>,
    pub visits: u64,
}

/// What the old programs have stored.
#[derive(Debug, Deserialize)]
pub struct OldSession {
    cart: Vec<String>,
    user: Option<String>,
}

pub fn cart_of(old: OldSession) -> Option<Adopted<Cart>> {
    let cart = Cart {
        items: old.cart,
        visits: 0,
    };
    // An empty cart is not worth a session.
    (!cart.items.is_empty()).then(|| Adopted::new(cart).of_user(old.user))
}

/// A config, and what the keys of its old sessions begin with.
macro_rules! config {
    ($name:ident, $prefix:ident, $source:expr) => {
        static $prefix: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| crate::servers::unique("old"));

        connect_session::session_config! {
            struct $name {
                data: crate::shop::Cart,
                loaders: [cookie("__Host-sid")],
                merge: { visits: add },
                adopt: $source.adopt(crate::shop::cart_of),
            }
        }
    };
}
pub(crate) use config;

/// A config of this suite.
pub trait Shop: SessionConfig<Data = Cart> {}
impl<C: SessionConfig<Data = Cart>> Shop for C {}

#[session(load)]
async fn visit<C: Shop>(mut session: Session<C>) -> Result<String, Error> {
    session.update(|cart| cart.visits += 1).await?;
    let (id, user) = (session.id(), session.subject().unwrap_or("nobody"));
    Ok(format!("{id} {user} {}", session.items.join(",")))
}

#[session(load)]
async fn visits<C: Shop>(session: Session<C>) -> String {
    session.visits.to_string()
}

#[session(load)]
async fn log_out<C: Shop>(session: Session<C>) -> Result<(), Error> {
    session.destroy().await
}

#[session(load, fresh = 5m)]
async fn delete_account<C: Shop>(session: LoggedIn<C>) {
    drop(session);
}

#[session(load)]
async fn count<C: Shop>(mut session: Session<C>, request: Request, next: Next) -> Response {
    session.visits += 100;
    next.run(request).await
}

async fn look<C: Shop>(view: SessionView<C>, request: Request, next: Next) -> Response {
    assert_eq!(view.items[0], "tea");
    next.run(request).await
}

pub struct Server<C> {
    address: SocketAddr,
    store: RedisStore,
    config: std::marker::PhantomData<C>,
}

impl<C: Shop> Server<C> {
    pub async fn start(layer: SessionLayer<C>) -> Self {
        let store = RedisStore::builder()
            .url(servers::url("TEST_REDIS_URL"))
            .prefix(servers::unique("adopt"))
            .build();
        let store = store.await.unwrap();
        let app = Router::new()
            .route("/visit", on_post(visit::<C>))
            .route("/visits", on_post(visits::<C>))
            .route("/log-out", on_post(log_out::<C>))
            .route("/delete-account", on_post(delete_account::<C>))
            .route(
                "/guarded",
                on_post(visit::<C>)
                    .layer(from_fn(count::<C>))
                    .layer(from_fn(look::<C>)),
            )
            .layer(layer.with_store(store.clone()));
        Self {
            address: serve(app).await,
            store,
            config: std::marker::PhantomData,
        }
    }

    pub async fn post(&self, path: &str, cookie: &str) -> crate::client::Reply {
        post(self.address, path, cookie).await
    }

    pub async fn count(&self) -> u64 {
        Store::<Cart>::count(&self.store, C::OPTIONS.namespace)
            .await
            .unwrap()
    }

    /// A request with this cookie has no session, and adopts none.
    pub async fn refuses(&self, cookie: &str) {
        let before = self.count().await;
        let reply = self.post("/visit", cookie).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert_eq!(self.count().await, before);
    }

    /// Requests with one old cookie, all at once. Returns the cookie of the new session.
    pub async fn adopts_once(&self, old: &str, name: &str, expected: &str) -> String {
        let before = self.count().await;
        let replies = post_at_once(self.address, "/visit", old).await;
        let bodies: BTreeSet<_> = (replies.iter())
            .map(|reply| {
                assert_eq!(reply.status, 200, "{reply:?}");
                &*reply.body
            })
            .collect();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert!(bodies.first().unwrap().ends_with(expected), "{bodies:?}");
        assert_eq!(self.count().await, before + 1);
        let mut new = replies.iter().filter_map(|reply| {
            assert_eq!(reply.expires(name), reply.cookie("__Host-sid").is_some());
            reply.cookie("__Host-sid")
        });
        let sid = new.next().expect("a new sid").to_owned();
        assert!(new.next().is_none(), "only one response carries it");
        let visits = self.post("/visits", &sid).await;
        assert_eq!((visits.status, &*visits.body), (200, "32"));
        sid
    }

    /// A login of the old library is not a recent one. Then the user logs out.
    pub async fn logs_out(&self, old: &str, new: &str) {
        let refused = self.post("/delete-account", new).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(
            refused.body.contains("reauthentication-required"),
            "{refused:?}"
        );
        assert_eq!(self.post("/log-out", new).await.status, 200);
        assert_eq!(self.post("/visits", new).await.status, 401);
        assert_eq!(self.post("/visit", old).await.status, 401);
        assert_eq!(self.count().await, 0);
    }

    /// A view, a guard of middleware and one of the handler share the adopted session.
    pub async fn shares_it_in_a_request(&self, old: &str) {
        let reply = self.post("/guarded", old).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let sid = reply.cookie("__Host-sid").expect("a new sid");
        assert_eq!(self.post("/visits", sid).await.body, "101");
        assert_eq!(self.count().await, 1);
    }
}

/// The cookie with another first character in its signature.
pub fn forged(cookie: &str, name: &str) -> String {
    let value = cookie.strip_prefix(&format!("{name}=")).unwrap();
    let first = if value.starts_with('A') { 'B' } else { 'A' };
    format!("{name}={first}{}", &value[1..])
}
