//! Sessions that axum_session has stored.

use std::fmt::Debug;
use std::sync::LazyLock;

use axum::Router;
use axum::routing::post as on_post;
use axum_session::{DatabasePool, Key, Session, SessionConfig, SessionLayer, SessionStore};
use axum_session_redispool::SessionRedisPool;
use connect_session::adopt::{AxumSessions, OldSessions as _, RedisRecords, RequestHeaders};
use redis_pool::SingleRedisPool;

use crate::client::{post, serve};
use crate::servers;
use crate::shop::{Server, config};
use crate::{records, shop};

static KEY: LazyLock<Key> = LazyLock::new(Key::generate);
static DATABASE_KEY: LazyLock<Key> = LazyLock::new(Key::generate);

async fn old_sessions(table: &str) -> AxumSessions<RedisRecords> {
    let old = RedisRecords::connect(&servers::url("TEST_REDIS_URL")).await;
    AxumSessions::new(old.unwrap()).table_name(table)
}

async fn signed(table: &str) -> AxumSessions<RedisRecords> {
    old_sessions(table).await.signed(KEY.master()).unwrap()
}

config!(Plain, PLAIN, old_sessions(&PLAIN).await);
config!(Signed, SIGNED, signed(&SIGNED).await);
config!(Bound, BOUND, signed(&BOUND).await);
config!(Refused, REFUSED, signed(&REFUSED).await);
config!(Sealed, SEALED, {
    let key = DATABASE_KEY.master();
    signed(&SEALED).await.database_key(key).unwrap()
});
config!(WrongKey, WRONG_KEY, {
    let old = old_sessions(&WRONG_KEY).await;
    old.database_key(KEY.master()).unwrap()
});

async fn log_in<P: DatabasePool + Clone + Debug + Send + Sync + 'static>(session: Session<P>) {
    session.set("user", "ann");
    session.set("cart", ["tea", "büro"]);
}

/// The settings of the old program.
pub fn settings(table: &LazyLock<String>) -> SessionConfig {
    SessionConfig::default().with_table_name((**table).clone())
}

/// Logs in to the old program. Returns the cookie.
async fn logged_in(settings: SessionConfig) -> String {
    let client = redis::Client::open(servers::url("TEST_REDIS_URL")).unwrap();
    let pool = SessionRedisPool::from(SingleRedisPool::new(client, 4, None));
    logged_in_to(pool, settings).await
}

/// Logs in to the old program, which has this database.
pub async fn logged_in_to<P: DatabasePool + Clone + Debug + Send + Sync + 'static>(
    pool: P,
    settings: SessionConfig,
) -> String {
    let store = SessionStore::<P>::new(Some(pool), settings);
    let layer = SessionLayer::new(store.await.unwrap());
    let app = Router::new().route("/", on_post(log_in::<P>)).layer(layer);
    let reply = post(serve(app).await, "/", "").await;
    reply.cookie("session").expect("a session").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn plain_cookies() {
    let server = Server::<Plain>::start(Plain::layer()).await;
    let old = logged_in(settings(&PLAIN)).await;
    assert_eq!(records::keys(&PLAIN).await.len(), 1);
    let new = server.adopts_once(&old, "session", " ann tea,büro").await;
    assert!(records::keys(&PLAIN).await.is_empty());
    server.logs_out(&old, &new).await;
    let old = logged_in(settings(&PLAIN)).await;
    server.shares_it_in_a_request(&old).await;
    let old = logged_in(settings(&PLAIN)).await;
    records::expire(&PLAIN).await;
    server.refuses(&old).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn signed_cookies() {
    let server = Server::<Signed>::start(Signed::layer()).await;
    let settings = || settings(&SIGNED).with_key(KEY.clone());
    let old = logged_in(settings().with_ip_and_user_agent(false)).await;
    server.refuses(&shop::forged(&old, "session")).await;
    let new = server.adopts_once(&old, "session", " ann tea,büro").await;
    assert!(records::keys(&SIGNED).await.is_empty());
    server.logs_out(&old, &new).await;
}

/// What axum_session signs is bound to the client.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn cookies_that_are_signed_with_the_client() {
    let server = Server::<Bound>::start(Bound::layer()).await;
    let settings = || settings(&BOUND).with_key(KEY.clone());
    let proxies = |settings: SessionConfig| {
        let settings = settings.with_hashed_xforward(true);
        settings.with_hashed_forward(true).with_hashed_real_ip(true)
    };
    for settings in [
        settings(),
        settings().with_hashed_user_agent(false),
        settings().with_hashed_ip(false),
        settings().with_hashed_xforward(true),
        proxies(settings()),
        proxies(settings()).with_hashed_ip(false),
    ] {
        let old = logged_in(settings).await;
        server.refuses(&shop::forged(&old, "session")).await;
        let new = server.adopts_once(&old, "session", " ann tea,büro").await;
        server.logs_out(&old, &new).await;
    }

    let old = logged_in(settings().with_hashed_ip(false)).await;
    let sessions = signed(&BOUND).await;
    let find = |agent| {
        let headers = [("cookie", &*old), ("user-agent", agent)];
        sessions.find(&RequestHeaders::new(headers))
    };
    assert!(find("Browser/1.0 (X11)").is_some());
    assert!(find("Browser/1.0").is_none());
    let old = logged_in(settings()).await;
    let headers = [("cookie", &*old), ("user-agent", "Browser/1.0 (X11)")];
    let found = sessions.find(&RequestHeaders::new(headers));
    assert!(found.is_none(), "its address is not known");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn encrypted_records() {
    let server = Server::<Sealed>::start(Sealed::layer()).await;
    let settings = settings(&SEALED).with_key(KEY.clone());
    let old = logged_in(settings.with_database_key(DATABASE_KEY.clone())).await;
    let new = server.adopts_once(&old, "session", " ann tea,büro").await;
    assert!(records::keys(&SEALED).await.is_empty());
    server.logs_out(&old, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_wrong_database_key_keeps_the_session() {
    let server = Server::<WrongKey>::start(WrongKey::layer()).await;
    let settings = settings(&WRONG_KEY).with_database_key(DATABASE_KEY.clone());
    let old = logged_in(settings).await;
    let reply = server.post("/visit", &old).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(records::keys(&WRONG_KEY).await.len(), 1);
    assert_eq!(server.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn cookies_that_open_nothing() {
    let server = Server::<Refused>::start(Refused::layer()).await;
    let foreign = settings(&REFUSED).with_key(Key::generate());
    server.refuses(&logged_in(foreign).await).await;
    server.refuses(&logged_in(settings(&REFUSED)).await).await;
    let old = logged_in(settings(&REFUSED).with_key(KEY.clone())).await;
    assert_eq!(records::keys(&REFUSED).await.len(), 3);
    records::expire(&REFUSED).await;
    server.refuses(&old).await;
}

/// A cookie that is not signed must not name a key of another program.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn only_a_uuid_is_a_plain_id() {
    let sessions = old_sessions("").await;
    let find = |cookie: &str| sessions.find(&RequestHeaders::new([("cookie", cookie)]));
    assert!(find("session=8b8a6b0e-6f5b-4d8c-9b57-0f8f4dc2f5aa").is_some());
    for other in [
        "session=",
        "session=the-name-of-a-key",
        "session=8b8a6b0e-6f5b-4d8c-9b57-0f8f4dc2f5aa:x",
        "session=8b8a6b0e-6f5b-4d8c-9b57-0f8f4dc2f5a*",
        "session=8b8a6b0e06f5b-4d8c-9b57-0f8f4dc2f5aa",
        "session=--------------------------------aaaa",
        "session=8B8A6B0E-6F5B-4D8C-9B57-0F8F4DC2F5AA",
    ] {
        assert!(find(other).is_none(), "{other}");
    }
}
