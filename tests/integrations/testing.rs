//! The client of `connect_session::testing`, on axum and on a plain `http` handler.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use ::axum::http::{HeaderMap, StatusCode};
use ::axum::routing::{get, post};
use ::axum::{Json, Router};
use connect_session::store::MemoryStore;
use connect_session::testing::{self, Client};
use connect_session::{
    DefaultConfig, Emit, Error, LoggedIn, RequestHead, Session, SessionConfig, session,
    session_config,
};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::shop::Cart;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

session_config! {
    struct Shop { data: Cart, loaders: [header("X-User-Session"), cookie("__Host-sid")] }
}

#[session(create)]
async fn open(mut session: Session<Shop>, Json(item): Json<String>) -> StatusCode {
    session.items.push(item);
    StatusCode::CREATED
}

#[session(create, emit = cookie)]
async fn open_in_browser(session: Session<Shop>) {
    drop(session);
}

#[session(load)]
async fn show(session: Session<Shop>) -> Json<Vec<String>> {
    Json(session.items.clone())
}

#[session(load)]
async fn user(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load, fresh = 5m)]
async fn change_password(_session: LoggedIn<Shop>) {}

#[session(load, level = 2)]
async fn pay(_session: LoggedIn<Shop>) {}

#[session(load)]
async fn rotate(mut session: Session<Shop>) -> Result<(), Error> {
    session.rotate()
}

#[session(load)]
async fn remember(mut session: Session<Shop>) -> Result<(), Error> {
    session.set_lifetime(40 * HOUR, 48 * HOUR)?;
    session.rotate()
}

#[session(load)]
async fn devices(session: LoggedIn<Shop>) -> Result<String, Error> {
    Ok(session.of_user().list().await?.sessions.len().to_string())
}

#[session(create)]
async fn log_in(mut session: Session<Shop>, user: String) -> Result<(), Error> {
    session.login(Shop::begin_login(&user).await?)
}

/// For a support desk: without a session.
async fn log_out_everywhere(user: String) -> Result<String, Error> {
    tokio::task::yield_now().await;
    Ok(Shop::sessions().of(user).end_all().await?.to_string())
}

/// Returns how many sessions the task sees.
async fn count_in_a_task() -> String {
    let counted = tokio::spawn(async { Shop::sessions().count().await });
    counted.await.unwrap().unwrap().to_string()
}

#[session(load)]
async fn close(session: Session<Shop>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[session(load, header = "X-Device-Session")]
async fn device(_session: Session<Shop>) {}

async fn echo(headers: HeaderMap) -> Json<Value> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Json(json!({
        "sid": text("x-user-session"),
        "cookie": text("cookie"),
        "authorization": text("authorization"),
    }))
}

fn app() -> Router {
    Router::new()
        .route("/cart", get(show).post(open).delete(close))
        .route("/browser", post(open_in_browser))
        .route("/user", get(user))
        .route("/password", post(change_password))
        .route("/pay", post(pay))
        .route("/rotate", post(rotate))
        .route("/remember", post(remember))
        .route("/devices", get(devices))
        .route("/device", get(device))
        .route("/login", post(log_in))
        .route("/log-out-everywhere", post(log_out_everywhere))
        .route("/count", get(count_in_a_task))
        .route("/echo", get(echo))
}

fn client() -> Client<Shop> {
    testing::client(app())
}

/// The message of the panic of a failed assertion.
fn message_of(check: impl FnOnce()) -> String {
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    let message = failed.unwrap_err();
    match message.downcast_ref::<&str>() {
        Some(message) => (*message).to_owned(),
        None => *message.downcast::<String>().unwrap(),
    }
}

#[tokio::test]
async fn a_client_sends_the_sid_that_it_received_in_a_header() {
    let client = client();
    client.get("/cart").await.assert_status(401);
    client.post("/cart").json("tea").await.assert_status(201);
    let items: Vec<String> = client.get("/cart").await.assert_status(200).json();
    assert_eq!(items, ["tea"]);
    assert_eq!(client.get("/cart").await.text(), r#"["tea"]"#);
    let sid = client.sid().unwrap();
    client.post("/rotate").await.assert_status(200);
    assert_ne!(client.sid().unwrap(), sid, "the new one");
    client.get("/cart").await.assert_status(StatusCode::OK);
    let stale = client.get("/cart").header("X-User-Session", &sid).await;
    stale.assert_status(401);
    assert_eq!(stale.headers()["www-authenticate"], "Session");
}

#[tokio::test]
async fn a_client_sends_a_sid_in_a_cookie_until_it_is_removed() {
    let client = client();
    client.post("/browser").await.assert_status(200);
    let sid = client.sid().unwrap();
    let echo: Value = client.get("/echo").await.json();
    assert_eq!(echo["cookie"], format!("__Host-sid={sid}"));
    assert_eq!(echo["sid"], Value::Null, "one transport");
    client.post("/rotate").await.assert_status(200);
    assert_ne!(client.sid().unwrap(), sid);
    client.delete("/cart").await.assert_status(204);
    assert_eq!(client.sid(), None, "the cookie is removed");
    let echo: Value = client.get("/echo").await.json();
    assert_eq!(echo["cookie"], Value::Null);
}

#[tokio::test]
async fn a_remembered_cookie_ends_with_its_maximum_age() {
    let client = client();
    client.login_as("ada").emit(Emit::Cookie).await;
    client.post("/remember").await.assert_status(200);
    client.advance(39 * HOUR);
    client.get("/cart").await.assert_status(200);
    client.advance(8 * HOUR);
    assert!(client.sid().is_some());
    client.advance(HOUR);
    assert_eq!(client.sid(), None);
}

#[tokio::test]
async fn a_user_is_logged_in_in_one_line() {
    let client = client();
    client.get("/user").await.assert_status(401);
    client.login_as("ada").await;
    assert_eq!(client.get("/user").await.text(), "ada");
    assert_eq!(client.faults().inserts(), 0, "without the application");
    let items = vec!["tea".to_owned()];
    client.login_as(7).with_data(Cart { items }).await;
    assert_eq!(client.get("/user").await.text(), "7");
    assert_eq!(client.get("/cart").await.text(), r#"["tea"]"#);
    client.login_as("grace").emit(Emit::Cookie).await;
    assert_eq!(client.get("/user").await.text(), "grace");
    let echo: Value = client.get("/echo").await.json();
    assert_eq!(echo["sid"], Value::Null, "that of 7 is forgotten");
    client.login_as("ada").emit(Emit::Header).await;
    let echo: Value = client.get("/echo").await.json();
    assert_eq!(echo["cookie"], Value::Null);
    assert_eq!(
        client.get("/devices").await.text(),
        "2",
        "also in the index"
    );
}

#[tokio::test]
async fn freshness_and_levels_can_be_tested() {
    let client = client();
    client.login_as("ada").await;
    client.post("/password").await.assert_status(200);
    let refused = client.post("/pay").await;
    refused.assert_status(401);
    assert!(refused.text().contains("step-up-required"));
    client.advance(6 * MINUTE);
    let refused = client.post("/password").await;
    refused.assert_status(401);
    assert!(refused.text().contains("reauthentication-required"));
    client.login_as("ada").level(2).await;
    client.post("/pay").await.assert_status(200);
    assert_eq!(client.session().unwrap().level(), 2);
}

#[tokio::test]
async fn a_session_ends_after_its_idle_timeout() {
    let client = client();
    client.login_as("ada").await;
    client.advance(31 * MINUTE);
    client.get("/user").await.assert_status(401);
}

#[tokio::test]
async fn looking_at_a_session_does_not_prolong_it() {
    let client = client();
    assert!(client.session().is_none());
    let items = vec!["tea".to_owned()];
    client.login_as("ada").with_data(Cart { items }).await;
    let now = client.clock().now();
    for _ in 0..29 {
        client.advance(MINUTE);
        let session = client.session().unwrap();
        assert_eq!(session.expires_at(), now + 30 * MINUTE);
        assert_eq!(session.authenticated_at(), Some(now));
        assert_eq!((session.subject(), session.level()), (Some("ada"), 1));
        assert_eq!(session.items, ["tea"]);
    }
    client.get("/cart").await.assert_status(200);
    let expires_at = client.session().unwrap().expires_at();
    assert_eq!(expires_at, now + 59 * MINUTE, "a request does");
    client.advance(30 * MINUTE);
    assert!(client.session().is_none());
}

#[tokio::test]
async fn a_failing_store_is_one_line() {
    let client = client();
    client.login_as("ada").await;
    client.faults().fail_all(true);
    client.get("/cart").await.assert_status(503);
    client
        .another()
        .post("/cart")
        .json("tea")
        .await
        .assert_status(503);
    client.faults().clear();
    client.get("/cart").await.assert_status(200);
    client.faults().fail_all(true);
    client.faults().fail_loads(false);
    client.post("/rotate").await.assert_status(503);
    client.delete("/cart").await.assert_status(503);
    client.faults().fail_all(false);
    client.delete("/cart").await.assert_status(204);
}

#[tokio::test]
async fn another_client_is_another_device_of_the_same_application() {
    let phone = client();
    phone.login_as("ada").await;
    let laptop = phone.another();
    assert!(laptop.sid().is_none());
    laptop.login_as("ada").await;
    assert_eq!(laptop.get("/devices").await.text(), "2");
    let stranger = client();
    stranger.login_as("ada").await;
    assert_eq!(
        stranger.get("/devices").await.text(),
        "1",
        "another application"
    );
}

/// `Shop::sessions()` and `Shop::begin_login` in a handler.
#[tokio::test]
async fn a_handler_reaches_all_sessions_of_the_client() {
    let (client, stranger) = (client(), client());
    client.post("/login").body("ada").await.assert_status(200);
    let laptop = client.another();
    laptop.login_as("ada").await;
    stranger.login_as("ada").await;
    // Each request waits while the others run.
    let (ours, theirs) = tokio::join!(
        client.post("/log-out-everywhere").body("ada"),
        stranger.post("/log-out-everywhere").body("ada")
    );
    assert_eq!((ours.text(), theirs.text()), ("2", "1"));
    for client in [&client, &laptop, &stranger] {
        client.get("/user").await.assert_status(401);
    }
    laptop.login_as("ada").await;
    let task = laptop.get("/count").await;
    assert_eq!(task.text(), "0", "the config's own store");
    assert_eq!(Shop::sessions().count().await.unwrap(), 0);
    assert_eq!(laptop.sessions().count().await.unwrap(), 1);
    assert_eq!(laptop.sessions().of("ada").end_all().await.unwrap(), 1);
    laptop.get("/user").await.assert_status(401);
}

/// The client's application sends requests to another one of the same config.
#[tokio::test]
async fn applications_can_be_nested() {
    let inner = Rc::new(client());
    inner.login_as("ada").await;
    let asked = inner.clone();
    let outer = testing::client::<Shop>(tower::service_fn(move |_: http::Request<Full<Bytes>>| {
        let inner = asked.clone();
        async move {
            let before = Shop::sessions().count().await.unwrap();
            let ended = inner.post("/log-out-everywhere").body("ada").await;
            let after = Shop::sessions().count().await.unwrap();
            let counts = format!("{before} {} {after}", ended.text());
            Ok::<_, Infallible>(http::Response::new(counts))
        }
    }));
    outer.login_as("grace").await;
    outer.login_as("grace").await;
    assert_eq!(outer.get("/").await.text(), "2 1 2");
}

#[tokio::test]
async fn requests_can_overlap() {
    let client = client();
    client.login_as("ada").await;
    let (one, other) = tokio::join!(
        client.post("/cart").json("tea"),
        client.post("/cart").json("coffee")
    );
    one.assert_status(201);
    other.assert_status(201);
    assert_eq!(client.session().unwrap().items.len(), 2);
}

/// `path` needs a session. The application has a layer with another store.
pub(crate) async fn assert_has_its_own_store<C: SessionConfig>(client: &Client<C>, path: &str) {
    client.get(path).await.assert_status(401);
    client.login_as("ada").await;
    client.get(path).await.assert_status(200);
    client.advance(31 * MINUTE);
    let refused = client.get(path).await;
    refused.assert_status(401);
    assert_eq!(
        refused.json::<Value>()["title"],
        "The session is unknown or has expired"
    );
    client.login_as("ada").await;
    client.faults().fail_all(true);
    client.get(path).await.assert_status(503);
    client.faults().clear();
}

/// The client's store replaces every store that the application brings, on any path.
#[tokio::test]
async fn a_layer_of_the_application_cannot_bring_another_store() {
    let layers = || Shop::layer().with_store(MemoryStore::default());
    let nested = Router::new().nest("/nested", app().layer(layers()));
    let client = testing::client::<Shop>(nested.merge(app()).layer(layers()));
    client.login_as("ada").await;
    for path in ["/user", "/nested/user"] {
        assert_eq!(client.get(path).await.text(), "ada");
    }
    client
        .post("/nested/cart")
        .json("tea")
        .await
        .assert_status(201);
    assert_eq!(client.session().unwrap().items, ["tea"]);
    // Without a client, the inner layer wins.
    let (shop, other) = (MemoryStore::default(), MemoryStore::default());
    let inner = app().layer(Shop::layer().with_store(shop.clone()));
    let request = http::Request::post("/browser").body(String::new()).unwrap();
    let app = inner.layer(Shop::layer().with_store(other.clone()));
    tower::ServiceExt::oneshot(app, request).await.unwrap();
    let count = |store: MemoryStore<Cart>| async move {
        use connect_session::store::Store as _;
        store.count(Shop::OPTIONS.namespace).await.unwrap()
    };
    assert_eq!((count(shop).await, count(other).await), (1, 0));
}

#[tokio::test]
async fn a_failed_assertion_says_what_happened() {
    let client = client();
    let response = client.post("/cart?x=1").json("tea").await;
    let message = message_of(|| _ = response.assert_status(200));
    assert_eq!(
        message,
        "`POST /cart?x=1` has the status 201 Created, not 200\nbody: "
    );
    let response = client.get("/echo").await;
    let sid = client.sid().unwrap();
    assert!(response.text().contains(&sid));
    for message in [
        message_of(|| _ = response.assert_status(StatusCode::NOT_FOUND)),
        message_of(|| _ = response.json::<Vec<u8>>()),
    ] {
        assert!(
            message.starts_with("the body of `GET /echo`, which has the status 200 OK, is not")
                || message.starts_with("`GET /echo` has the status 200 OK, not 404 Not Found"),
            "{message}"
        );
        assert!(message.contains(r#""sid":"<sid>""#), "{message}");
        assert!(!message.contains(&sid), "{message}");
    }
    assert!(!format!("{response:?} {client:?}").contains(&sid));
    let response = client.get("/device").await;
    let message = message_of(|| _ = response.assert_status(200));
    let hint = "The client holds a session of Shop, but the application did not load it";
    assert!(message.contains(hint), "{message}");
    let message = message_of(|| _ = client.another().get("cart"));
    assert_eq!(
        message,
        "`cart` is not the path of a request, such as `/cart?page=2`"
    );
}

#[test]
fn what_cannot_be_is_a_clear_message() {
    let client = testing::client::<DefaultConfig>(Router::new());
    let message = message_of(|| _ = client.start_session().level(2));
    assert_eq!(
        message,
        "a session without a user has no level: use `login_as`"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let message = message_of(|| {
        runtime.unwrap().block_on(async {
            client.start_session().emit(Emit::Cookie).await;
        });
    });
    let expected = "the config DefaultConfig has no cookie among its `loaders`: leave `emit` out";
    assert_eq!(message, expected);
}

mod transports {
    use super::*;

    session_config! {
        struct Tokens { loaders: [bearer, header("X-Token-Session")] }
    }

    session_config! {
        struct Links { loaders: [query("sid", allow_in_url = "a test"), header("X-Link-Session")] }
    }

    session_config! {
        struct Paths { loaders: [path("sid", allow_in_url = "a test")] }
    }

    session_config! {
        struct Keys { loaders: [custom(api_key)] }
    }

    session_config! {
        struct Pages { loaders: [cookie("__Secure-page", path = "/pages")] }
    }

    fn api_key(head: &RequestHead<'_>) -> Option<String> {
        head.header("X-Api-Key").map(str::to_owned)
    }

    #[session(create)]
    async fn open_token(session: Session<Tokens>) -> String {
        session.is_new().to_string()
    }

    #[session(create)]
    async fn open_link(session: Session<Links>) -> String {
        session.is_new().to_string()
    }

    #[session(create)]
    async fn open_path(session: Session<Paths>) -> String {
        session.is_new().to_string()
    }

    #[session(create)]
    async fn open_key(session: Session<Keys>) -> String {
        session.is_new().to_string()
    }

    #[session(create)]
    async fn open_page(session: Session<Pages>) -> String {
        session.is_new().to_string()
    }

    async fn assert_opens_once<C: SessionConfig>(client: &Client<C>) {
        for is_new in ["true", "false"] {
            assert_eq!(client.post("/pages/open").await.text(), is_new);
        }
        assert!(client.session().is_some());
        client.start_session().await;
        assert_eq!(client.post("/pages/open").await.text(), "false");
        assert_eq!(client.post("/pages/open?a=b").await.text(), "false");
    }

    #[tokio::test]
    async fn a_sid_is_sent_where_the_first_loader_finds_it() {
        let app = |open| {
            Router::new()
                .route("/pages/open", open)
                .route("/echo", get(echo))
        };
        let client = testing::client::<Tokens>(app(post(open_token)));
        assert_opens_once(&client).await;
        let echo: Value = client.get("/echo").await.json();
        let bearer = format!("Bearer {}", client.sid().unwrap());
        assert_eq!(echo["authorization"], bearer);
        assert_opens_once(&testing::client::<Links>(app(post(open_link)))).await;
        let client = testing::client::<Pages>(app(post(open_page)));
        assert_opens_once(&client).await;
        let echo: Value = client.get("/echo").await.json();
        assert_eq!(echo["cookie"], Value::Null, "another path");
    }

    #[tokio::test]
    async fn the_test_sends_a_sid_that_no_client_could_send() {
        let app = Router::new()
            .route("/open", post(open_path))
            .route("/open/{sid}", post(open_path));
        let client = testing::client::<Paths>(app);
        client.start_session().await;
        let path = format!("/open/{}", client.sid().unwrap());
        assert_eq!(client.post(&path).await.text(), "false");
        assert_eq!(client.post("/open").await.text(), "true");
        assert!(client.session().is_some());

        let client = testing::client::<Keys>(Router::new().route("/open", post(open_key)));
        assert_eq!(client.post("/open").await.text(), "true");
        let sid = client.sid().unwrap();
        let request = client.post("/open").header("X-Api-Key", &sid);
        assert_eq!(request.await.text(), "false");
    }
}

mod plain {
    use super::*;

    #[session(load, http)]
    async fn user(
        session: LoggedIn<Shop>,
        _request: http::Request<Full<Bytes>>,
    ) -> http::Response<Full<Bytes>> {
        http::Response::new(session.subject().to_owned().into())
    }

    #[tokio::test]
    async fn a_plain_handler_is_a_service() {
        let service =
            tower::service_fn(|request| async { Ok::<_, Infallible>(user(request).await) });
        let client = testing::client::<Shop>(service);
        client.get("/").await.assert_status(401);
        client.login_as("ada").await;
        assert_eq!(client.get("/").await.text(), "ada");
    }
}
