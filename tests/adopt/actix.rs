//! Sessions that actix-session has stored.

use std::sync::LazyLock;

use actix_session::config::CookieContentSecurity;
use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::{App, HttpResponse, test, web};
use connect_session::adopt::{ActixSessions, OldSessions as _, RequestHeaders};

use crate::servers;
use crate::shop::{Server, config};
use crate::{records, shop};

static KEY: LazyLock<Key> = LazyLock::new(Key::generate);

async fn old_sessions(prefix: &str) -> ActixSessions {
    let url = servers::url("TEST_REDIS_URL");
    let old = ActixSessions::connect(&url, KEY.master()).await.unwrap();
    old.prefix(prefix)
}

config!(Encrypted, ENCRYPTED, old_sessions(&ENCRYPTED).await);
config!(Signed, SIGNED, old_sessions(&SIGNED).await.signed());
config!(Refused, REFUSED, old_sessions(&REFUSED).await);

async fn log_in(session: Session) -> HttpResponse {
    session.insert("user", "ann").unwrap();
    session.insert("cart", ["tea", "büro"]).unwrap();
    HttpResponse::Ok().finish()
}

/// Logs in to the old program. Returns the cookie.
async fn log_in_to(prefix: String, key: Key, security: CookieContentSecurity) -> String {
    let store = RedisSessionStore::builder(servers::url("TEST_REDIS_URL"))
        .cache_keygen(move |key| format!("{prefix}{key}"))
        .build();
    let sessions = SessionMiddleware::builder(store.await.unwrap(), key);
    let sessions = sessions.cookie_content_security(security).build();
    let app = App::new().wrap(sessions).route("/", web::post().to(log_in));
    let app = test::init_service(app).await;
    let request = test::TestRequest::post().uri("/").to_request();
    let response = test::call_service(&app, request).await;
    let cookie = response.headers().get("set-cookie").unwrap();
    let (cookie, _) = cookie.to_str().unwrap().split_once(';').unwrap();
    cookie.to_owned()
}

/// The same in a runtime of actix-web.
async fn logged_in(prefix: &str, key: &Key, security: CookieContentSecurity) -> String {
    let (prefix, key) = (prefix.to_owned(), key.clone());
    let program = move || {
        let runtime = actix_web::rt::System::new();
        runtime.block_on(log_in_to(prefix, key, security))
    };
    tokio::task::spawn_blocking(program).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn encrypted_cookies() {
    let server = Server::<Encrypted>::start(Encrypted::layer()).await;
    let log_in = || logged_in(&ENCRYPTED, &KEY, CookieContentSecurity::Private);
    let old = log_in().await;
    assert_eq!(records::keys(&ENCRYPTED).await.len(), 1);
    let new = server.adopts_once(&old, "id", " ann tea,büro").await;
    assert!(records::keys(&ENCRYPTED).await.is_empty());
    server.logs_out(&old, &new).await;
    server.shares_it_in_a_request(&log_in().await).await;
    assert!(records::keys(&ENCRYPTED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn signed_cookies() {
    let server = Server::<Signed>::start(Signed::layer()).await;
    let old = logged_in(&SIGNED, &KEY, CookieContentSecurity::Signed).await;
    server.refuses(&shop::forged(&old, "id")).await;
    let new = server.adopts_once(&old, "id", " ann tea,büro").await;
    assert!(records::keys(&SIGNED).await.is_empty());
    server.logs_out(&old, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn cookies_that_open_nothing() {
    let server = Server::<Refused>::start(Refused::layer()).await;
    for (key, security) in [
        (&Key::generate(), CookieContentSecurity::Private),
        (&*KEY, CookieContentSecurity::Signed),
    ] {
        server
            .refuses(&logged_in(&REFUSED, key, security).await)
            .await;
    }
    let expired = logged_in(&REFUSED, &KEY, CookieContentSecurity::Private).await;
    server.refuses(&shop::forged(&expired, "id")).await;
    assert_eq!(records::keys(&REFUSED).await.len(), 3);
    records::expire(&REFUSED).await;
    server.refuses(&expired).await;
}

/// The old program may sign other cookies, and what is in them may be the name of a key.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn another_signed_cookie_is_no_id() {
    let mut jar = actix_web::cookie::CookieJar::new();
    let theme = actix_web::cookie::Cookie::new("theme", "the name of a key");
    jar.signed_mut(&KEY).add(theme);
    let value = jar.get("theme").unwrap().value();
    let cookie = format!("id={value}");
    let request = RequestHeaders::new([("cookie", &*cookie)]);
    let sessions = old_sessions("").await.signed();
    assert!(sessions.find(&request).is_none());
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_wrong_url_or_key_is_refused() {
    let connect = ActixSessions::connect("http://127.0.0.1", &[7; 63]);
    let error = connect.await.expect_err("both are wrong").to_string();
    assert!(
        error.contains("http") && error.contains("key.master()"),
        "{error}"
    );
}
