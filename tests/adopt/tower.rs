//! Sessions that tower-sessions has stored.

use std::sync::LazyLock;

use axum::Router;
use axum::routing::post as on_post;
use connect_session::adopt::{OldSessions as _, RequestHeaders, TowerSessions};
use connect_session::session_config;
use tower_sessions::cookie::Key;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore as _};

use crate::client::{post, serve};
use crate::shop::{Cart, Server, cart_of};

static PLAIN: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::default);
static SIGNED: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::default);
static PRIVATE: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::default);
static KEY: LazyLock<Key> = LazyLock::new(Key::generate);

session_config! {
    struct Plain {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        merge: { visits: add },
        adopt: TowerSessions::new(PLAIN.clone()).adopt(cart_of),
    }
}

session_config! {
    struct Signed {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        merge: { visits: add },
        adopt: TowerSessions::new(SIGNED.clone()).signed(KEY.master())?.adopt(cart_of),
    }
}

session_config! {
    struct Private {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        merge: { visits: add },
        adopt: TowerSessions::new(PRIVATE.clone()).private(KEY.master())?.adopt(cart_of),
    }
}

/// The old program.
async fn log_in(session: Session) {
    session.insert("user", "ann").await.unwrap();
    session.insert("cart", ["tea"]).await.unwrap();
}

/// Logs in to the old program. Returns the cookie.
macro_rules! logged_in {
    ($layer:expr) => {{
        let app = Router::new().route("/", on_post(log_in)).layer($layer);
        let reply = post(serve(app).await, "/", "").await;
        reply.cookie("id").expect("a session").to_owned()
    }};
}

async fn is_stored(
    store: &MemoryStore,
    sessions: &TowerSessions<MemoryStore>,
    cookie: &str,
) -> bool {
    let sid = sessions
        .find(&RequestHeaders::new([("cookie", cookie)]))
        .unwrap();
    let id = sid.as_str().parse().unwrap();
    store.load(&id).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn plain_cookies() {
    let server = Server::<Plain>::start(Plain::layer()).await;
    let old = logged_in!(SessionManagerLayer::new(PLAIN.clone()));
    let sessions = TowerSessions::new(PLAIN.clone());
    assert!(is_stored(&PLAIN, &sessions, &old).await);
    let new = server.adopts_once(&old, "id", " ann tea").await;
    assert!(!is_stored(&PLAIN, &sessions, &old).await);
    server.logs_out(&old, &new).await;
    let old = logged_in!(SessionManagerLayer::new(PLAIN.clone()));
    server.shares_it_in_a_request(&old).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn signed_cookies() {
    let server = Server::<Signed>::start(Signed::layer()).await;
    let old = logged_in!(SessionManagerLayer::new(SIGNED.clone()).with_signed(KEY.clone()));
    let new = server.adopts_once(&old, "id", " ann tea").await;
    server.logs_out(&old, &new).await;
    let old = logged_in!(SessionManagerLayer::new(SIGNED.clone()).with_signed(KEY.clone()));
    let forged = old.replacen("id=", "id=A", 1);
    assert_eq!(server.post("/visit", &forged).await.status, 401);
    assert_eq!(server.post("/visit", &old).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn encrypted_cookies() {
    let server = Server::<Private>::start(Private::layer()).await;
    let old = logged_in!(SessionManagerLayer::new(PRIVATE.clone()).with_private(KEY.clone()));
    let new = server.adopts_once(&old, "id", " ann tea").await;
    server.logs_out(&old, &new).await;
}

#[test]
fn a_short_key_is_refused() {
    let short = TowerSessions::new(MemoryStore::default()).signed(&[7; 63]);
    assert!(short.is_err());
}
