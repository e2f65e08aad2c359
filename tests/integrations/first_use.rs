//! A session that no request ever presents, over HTTP, on the memory store with a fake clock.

use std::time::Duration;

use ::axum::Router;
use ::axum::body::Body;
use ::axum::routing::{get, post};
use connect_session::store::{MemoryStore, Store as _};
use connect_session::testing::FakeClock;
use connect_session::{Error, Session, SessionConfig, Untyped, session, session_config};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

session_config! {
    struct Visits { first_use_timeout: 10m }
}

/// Answers for how many seconds the session lives, as it says itself.
#[session(create)]
async fn open(session: Session<Visits>) -> String {
    life_of(&session)
}

/// The same, with a change that was stored before the deadline is read.
#[session(create)]
async fn log_in(mut session: Session<Visits>) -> Result<String, Error> {
    session.login("ada")?;
    session.insert("last", 1)?;
    session.update(|data| data.insert("now", 2)).await??;
    Ok(life_of(&session))
}

#[session(load)]
async fn show(session: Session<Visits>) -> String {
    life_of(&session)
}

fn life_of(session: &Session<Visits>) -> String {
    let life = session.expires_at().duration_since(session.created_at());
    life.unwrap().as_secs().to_string()
}

struct Server {
    router: Router,
    store: MemoryStore<Untyped>,
    clock: FakeClock,
}

fn start() -> Server {
    let clock = FakeClock::new();
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let router = Router::new()
        .route("/open", post(open))
        .route("/login", post(log_in))
        .route("/show", get(show))
        .layer(Visits::layer().with_store(store.clone()));
    Server {
        router,
        store,
        clock,
    }
}

impl Server {
    /// The status, the body and the sid of a response.
    async fn send(&self, method: &str, path: &str, sid: &str) -> (StatusCode, String, String) {
        let mut request = Request::builder().method(method).uri(path);
        if !sid.is_empty() {
            request = request.header("X-User-Session", sid);
        }
        let response = self.router.clone();
        let response = response.oneshot(request.body(Body::empty()).unwrap());
        let response = response.await.unwrap();
        let status = response.status();
        let sid = response.headers().get("X-User-Session");
        let sid = sid.map_or(String::new(), |sid| sid.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap(), sid)
    }

    async fn count(&self) -> u64 {
        let namespace = Visits::OPTIONS.namespace;
        self.store.count(namespace).await.unwrap()
    }
}

#[tokio::test]
async fn row_100_a_session_that_nobody_presents_ends_early() {
    let server = start();
    let mut sids = Vec::new();
    for path in ["/open", "/login"] {
        let (status, life, sid) = server.send("POST", path, "").await;
        assert_eq!((status, &*life), (StatusCode::OK, "600"), "{path}");
        sids.push(sid);
    }
    server.clock.advance(Duration::from_secs(10 * 60 - 1));
    assert_eq!(server.count().await, 2);
    server.clock.advance(SECOND);
    assert_eq!(server.count().await, 0);
    for sid in sids {
        let (status, ..) = server.send("GET", "/show", &sid).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn row_100_the_first_request_that_presents_it_ends_the_wait() {
    let server = start();
    let (_, _, sid) = server.send("POST", "/open", "").await;
    server.clock.advance(SECOND);
    // Before a touch is due.
    let (status, life, _) = server.send("GET", "/show", &sid).await;
    assert_eq!((status, &*life), (StatusCode::OK, "1801"));
    for _ in 0..3 {
        server.clock.advance(29 * MINUTE);
        let (status, ..) = server.send("GET", "/show", &sid).await;
        assert_eq!(status, StatusCode::OK);
    }
    // A login by a request that presents the sid has no earlier deadline, either.
    let (status, _, sid) = server.send("POST", "/login", &sid).await;
    assert_eq!(status, StatusCode::OK);
    server.clock.advance(29 * MINUTE);
    let (status, ..) = server.send("GET", "/show", &sid).await;
    assert_eq!(status, StatusCode::OK);
}
