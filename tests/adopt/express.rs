//! Sessions that express-session and connect-redis have stored. `express/write.mjs` lets them, and writes what
//! they store to `express/sessions.json`.

use std::sync::LazyLock;

use connect_session::adopt::{ExpressSessions, OldCookie, OldSessions as _, RequestHeaders};
use connect_session::session_config;
use serde::Deserialize;

use crate::records::connection;
use crate::servers;
use crate::shop::{Cart, Server, cart_of};

static PREFIX: LazyLock<String> = LazyLock::new(|| servers::unique("sess"));

/// What express-session has stored, and set as its cookie.
#[derive(Clone, Deserialize)]
struct Written {
    name: String,
    cookie: String,
    key: String,
    value: String,
}

async fn old_sessions() -> ExpressSessions {
    let url = servers::url("TEST_REDIS_URL");
    let old = ExpressSessions::connect(&url, "a later secret")
        .await
        .unwrap();
    old.or_secret("the current secret")
        .prefix(format!("{}:", *PREFIX))
}

session_config! {
    struct Shop {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        merge: { visits: add },
        adopt: old_sessions().await.adopt(cart_of),
    }
}

impl Written {
    fn named(name: &str) -> Self {
        let all: Vec<Self> = serde_json::from_str(include_str!("express/sessions.json")).unwrap();
        all.into_iter().find(|one| one.name == name).unwrap()
    }

    fn key(&self) -> String {
        self.key.replace("sess", &PREFIX)
    }

    async fn store(&self) {
        let mut set = redis::cmd("SET");
        set.arg(self.key()).arg(&self.value).arg("EX").arg(86_400);
        set.exec_async(&mut connection().await).await.unwrap();
    }

    async fn is_stored(&self) -> bool {
        let mut exists = redis::cmd("EXISTS");
        let exists = exists.arg(self.key());
        exists.query_async(&mut connection().await).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn parallel_requests_and_a_logout() {
    let (server, old) = (
        Server::<Shop>::start(Shop::layer()).await,
        Written::named("default"),
    );
    old.store().await;
    let new = server
        .adopts_once(&old.cookie, "connect.sid", " ann tea,büro")
        .await;
    assert!(!old.is_stored().await);
    server.logs_out(&old.cookie, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn several_guards_in_one_request() {
    let (server, old) = (
        Server::<Shop>::start(Shop::layer()).await,
        Written::named("max-age"),
    );
    old.store().await;
    server.shares_it_in_a_request(&old.cookie).await;
    assert!(!old.is_stored().await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_session_whose_cookie_has_expired() {
    let (server, mut old) = (
        Server::<Shop>::start(Shop::layer()).await,
        Written::named("disable-ttl"),
    );
    let (before, after) = old.value.split_once(r#""expires":""#).unwrap();
    let (_, after) = after.split_once('"').unwrap();
    old.value = format!(r#"{before}"expires":"2001-02-03T04:05:06.789Z"{after}"#);
    assert!(serde_json::from_str::<serde_json::Value>(&old.value).is_ok());
    old.store().await;
    assert_eq!(server.post("/visit", &old.cookie).await.status, 401);
    assert!(old.is_stored().await);
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn only_signed_cookies_are_found() {
    let old = Written::named("default");
    let sessions = old_sessions().await;
    let find = |line: &str| sessions.find(&RequestHeaders::new([("cookie", line)]));
    let sid = find(&old.cookie).expect("signed with the second secret");
    assert_eq!(format!("sess:{}", sid.as_str()), old.key);
    assert!(find(&format!("theme=dark; {}; a=b", old.cookie)).is_some());
    let unescaped = old.cookie.replace("%3A", ":").replace("%2F", "/");
    assert!(find(&unescaped).is_some());
    let id = sid.as_str();
    let signature = old.cookie.rsplit_once('.').unwrap().1;
    for forged in [
        format!("connect.sid={id}"),
        format!("connect.sid=s%3A{id}"),
        format!("connect.sid=s%3A{id}."),
        format!("connect.sid=s%3A{id}x.{signature}"),
        format!("connect.sid=s%3A{id}.A{}", &signature[1..]),
        format!("connect.sid=s%3A.{signature}"),
        format!("connect.sid={id}.{signature}"),
        format!("other.sid=s%3A{id}.{signature}"),
    ] {
        assert!(find(&forged).is_none(), "{forged}");
    }
    let other = sessions.clone().cookie(OldCookie::new("other.sid"));
    let renamed = old.cookie.replace("connect.sid", "other.sid");
    assert!(
        other
            .find(&RequestHeaders::new([("cookie", &*renamed)]))
            .is_some()
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_wrong_url_or_secret_is_refused() {
    let connect = ExpressSessions::connect("redis://user:hidden@127.0.0.1:1", "secret");
    let error = connect.await.expect_err("no server").to_string();
    assert!(
        error.contains("127.0.0.1:1") && !error.contains("hidden"),
        "{error}"
    );
    let url = servers::url("TEST_REDIS_URL");
    let error = ExpressSessions::connect(&url, "")
        .await
        .expect_err("no secret");
    assert!(error.to_string().contains("is empty"), "{error}");
}
