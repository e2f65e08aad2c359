//! Regression tests of past bugs, each as small as possible.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use connect_session::store::MemoryStore;
use connect_session::testing::FakeClock;
use connect_session::{Error, Session, SessionView, Untyped, session, session_config};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tower::ServiceExt as _;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Data {
    sum: u64,
    other: u64,
    big: u128,
    list: Vec<u128>,
}

session_config! {
    struct Renewing {
        data: Data,
        renew_every: 10m,
        touch_every: 5m,
        merge: { sum: add },
    }
}

session_config! {
    struct Remembered {
        loaders: [cookie("__Host-sid", persistent)],
        absolute_timeout: 12h,
    }
}

/// A gate that a handler waits for until the test opens it.
#[derive(Clone, Default)]
struct Gate {
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Gate {
    async fn pass(&self) {
        self.entered.notify_one();
        self.go_on.notified().await;
    }
}

#[session(create)]
async fn create(session: Session<Renewing>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn read(session: Session<Renewing>) -> String {
    format!(
        "{} {} {} {}",
        session.sum,
        session.other,
        session.big,
        session.list.len()
    )
}

#[session(load)]
async fn slow(
    Path(what): Path<String>,
    axum::Extension(gate): axum::Extension<Gate>,
    mut session: Session<Renewing>,
) -> String {
    match &*what {
        "big" => session.big += 1,
        "list" => {
            session.sum += 1;
            session.list.push(1 << 100);
        }
        _ => {}
    }
    gate.pass().await;
    what
}

#[session(load)]
async fn change(Path(what): Path<String>, mut session: Session<Renewing>) -> Result<String, Error> {
    match &*what {
        "other" => session.other += 1,
        "big" => session.big = 1 << 100,
        "list" => {
            session.sum += 1;
            session.list.push(1 << 101);
        }
        "short" => session.set_lifetime(2 * MINUTE, 60 * MINUTE)?,
        _ => session.login(what.clone())?,
    }
    Ok(what)
}

/// Logs in, moves the session into a task, and is then cancelled.
#[session(load)]
async fn given_up(
    axum::Extension(gate): axum::Extension<Gate>,
    mut session: Session<Renewing>,
) -> Result<(), Error> {
    session.login("eve")?;
    let saved = gate.clone();
    tokio::spawn(async move {
        saved.go_on.notified().await;
        session.save().await.expect("saved");
        saved.entered.notify_one();
    });
    gate.entered.notify_one();
    std::future::pending().await
}

#[session(load)]
async fn outer(_session: Session<Renewing>, request: Request, next: Next) -> Response {
    next.run(request).await
}

struct App {
    router: Router,
    clock: FakeClock,
    gate: Gate,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    sid: Option<String>,
    body: String,
}

impl App {
    fn new() -> Self {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(&clock).build();
        let gate = Gate::default();
        let router = Router::new()
            .route("/guarded", post(change_to_bob).layer(from_fn(outer)))
            .route("/create", post(create))
            .route("/read", get(read))
            .route("/slow/{what}", post(slow))
            .route("/change/{what}", post(change))
            .route("/given_up", post(given_up))
            .layer(axum::Extension(gate.clone()))
            .layer(Renewing::layer().with_store(store));
        Self {
            router,
            clock,
            gate,
        }
    }

    async fn send(&self, method: &str, path: &str, sid: &str) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("X-User-Session", sid);
        let request = request.body(Body::empty()).expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let sid = response
            .headers()
            .get("X-User-Session")
            .map(|sid| sid.to_str().expect("ASCII").to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 16)
            .await
            .expect("a body");
        Reply {
            status,
            sid,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    async fn open(&self) -> String {
        self.send("POST", "/create", "").await.sid.expect("a sid")
    }

    /// Runs another request while a slow one waits; returns both replies.
    async fn send_during_slow(&self, slow: &str, path: &str, sid: &str) -> (Reply, Reply) {
        let path_of_slow = format!("/slow/{slow}");
        let other = async {
            self.gate.entered.notified().await;
            let reply = self.send("POST", path, sid).await;
            self.gate.go_on.notify_one();
            reply
        };
        tokio::join!(self.send("POST", &path_of_slow, sid), other)
    }
}

#[session(load)]
async fn change_to_bob(mut session: Session<Renewing>) -> Result<(), Error> {
    session.login("bob")
}

#[tokio::test]
async fn an_offer_is_not_sent_after_a_login_of_another_request() {
    let app = App::new();
    let sid = app.open().await;
    app.clock.advance(11 * MINUTE);
    let (slow, login) = app.send_during_slow("nothing", "/change/bob", &sid).await;
    assert_eq!((slow.status, login.status), (200, 200));
    assert_eq!(slow.sid, None, "an invalid offer was sent");
    let new = login.sid.expect("a rotated sid");
    assert_eq!(app.send("GET", "/read", &new).await.status, 200);
}

#[tokio::test]
async fn the_offer_of_an_outer_guard_does_not_hide_the_sid_of_a_login() {
    let app = App::new();
    let sid = app.open().await;
    app.clock.advance(11 * MINUTE);
    let login = app.send("POST", "/guarded", &sid).await;
    let new = login.sid.expect("a rotated sid");
    assert_eq!(app.send("GET", "/read", &new).await.status, 200);
}

static CLOCK: LazyLock<FakeClock> = LazyLock::new(FakeClock::new);

session_config! {
    /// Used without a layer.
    struct Bare {
        renew_every: 10m,
        store: MemoryStore<Untyped> = MemoryStore::builder().clock(&*CLOCK).build(),
    }
}

#[session(create)]
async fn bare(session: Session<Bare>) -> String {
    session.id().to_string()
}

async fn looks(_view: Option<SessionView<Bare>>, request: Request, next: Next) -> Response {
    next.run(request).await
}

#[tokio::test]
async fn a_view_does_not_prevent_renewal() {
    let router = Router::new()
        .route("/create", post(bare))
        .route("/looked", get(bare).layer(from_fn(looks)));
    let app = App {
        router,
        ..App::new()
    };
    let sid = app.open().await;
    CLOCK.advance(11 * MINUTE);
    let reply = app.send("GET", "/looked", &sid).await;
    let offered = reply.sid.expect("an offer");
    let again = app.send("GET", "/looked", &offered).await;
    assert_eq!(again.body, reply.body, "the same session");
}

#[tokio::test]
async fn requests_extend_a_session_with_a_short_lifetime() {
    let app = App::new();
    let sid = app.open().await;
    assert_eq!(app.send("POST", "/change/short", &sid).await.status, 200);
    for round in 0..6 {
        app.clock.advance(Duration::from_secs(50));
        assert_eq!(
            app.send("GET", "/read", &sid).await.status,
            200,
            "round {round}"
        );
    }
}

#[tokio::test]
async fn large_integers_are_not_rounded() {
    let app = App::new();
    let sid = app.open().await;
    app.send("POST", "/change/big", &sid).await;
    let (slow, other) = app.send_during_slow("big", "/change/other", &sid).await;
    assert_eq!((slow.status, other.status), (200, 200));
    let expected = format!("0 1 {} 0", (1_u128 << 100) + 1);
    assert_eq!(app.send("GET", "/read", &sid).await.body, expected);
    let (slow, other) = app.send_during_slow("list", "/change/list", &sid).await;
    assert_eq!((slow.status, other.status), (200, 200));
    let expected = format!("2 1 {} 2", (1_u128 << 100) + 1);
    assert_eq!(app.send("GET", "/read", &sid).await.body, expected);
}

#[tokio::test]
async fn a_cancelled_request_does_not_change_the_sid() {
    let app = App::new();
    let sid = app.open().await;
    tokio::select! {
        reply = app.send("POST", "/given_up", &sid) => panic!("{reply:?}"),
        () = app.gate.entered.notified() => {}
    }
    app.gate.go_on.notify_one();
    app.gate.entered.notified().await;
    assert_eq!(app.send("GET", "/read", &sid).await.status, 200);
}

#[tokio::test]
async fn an_outer_layer_provides_its_store() {
    let inner = App::new();
    let store = MemoryStore::<Data>::new();
    let plain = Router::new()
        .route("/create", post(create))
        .layer(Renewing::layer());
    let router = plain.layer(Renewing::layer().with_store(store.clone()));
    let app = App { router, ..inner };
    assert_eq!(app.send("POST", "/create", "").await.status, 200);
    let debug = format!("{store:?}");
    assert!(debug.contains("sessions: 1"), "{debug}");
}

#[session(create)]
async fn remember(mut session: Session<Remembered>) -> Result<(), Error> {
    if !session.is_new() {
        session.set_lifetime(24 * 60 * MINUTE * 30, 24 * 60 * MINUTE * 30)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_new_lifetime_updates_the_cookie() {
    let layer = Remembered::layer().with_store(MemoryStore::default());
    let app = Router::new().route("/", post(remember)).layer(layer);
    let send = async |cookie: &str| {
        let request = Request::post("/")
            .header("Cookie", cookie)
            .body(Body::empty())
            .expect("a request");
        let response = app.clone().oneshot(request).await.expect("infallible");
        response.headers()["Set-Cookie"]
            .to_str()
            .expect("ASCII")
            .to_owned()
    };
    let first = send("").await;
    assert!(first.contains("Max-Age=43200"), "{first}");
    let again = send(first.split(';').next().expect("a pair")).await;
    let seconds = 30 * 24 * 60 * 60;
    assert!(again.contains(&format!("Max-Age={seconds}")), "{again}");
}

#[tokio::test]
async fn a_page_without_a_session_sets_vary() {
    let app = Router::new()
        .route(
            "/",
            get(async |_: Option<SessionView<Remembered>>| "nobody"),
        )
        .layer(Remembered::layer().with_store(MemoryStore::default()));
    let request = Request::get("/").body(Body::empty()).expect("a request");
    let response = app.oneshot(request).await.expect("infallible");
    assert_eq!(response.headers()["Vary"], "cookie");
    assert!(response.headers().get("Cache-Control").is_none());
}
