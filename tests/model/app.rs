//! The application under test: two handlers that run the operations that they receive.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Json;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use connect_session::store::{MemoryStore, Store};
use connect_session::testing::FakeClock;
use connect_session::{Error, Session, Untyped, session, session_config};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{End, Op};

session_config! {
    struct Tested {
        idle_timeout: 1_000s,
        absolute_timeout: 5_000s,
    }
}

/// A session as a handler sees it: data and subject.
pub(crate) type Seen = (BTreeMap<String, u64>, Option<String>);

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) sid: Option<String>,
    pub(crate) saw: Option<Seen>,
    pub(crate) left: Option<Seen>,
}

pub(crate) struct Client {
    app: Router,
    clock: FakeClock,
    store: MemoryStore<Untyped>,
}

fn seen(session: &Session<Tested>) -> Seen {
    let data = session
        .iter()
        .map(|(key, value)| (key.to_owned(), value.as_u64().expect("a number")));
    (data.collect(), session.subject().map(str::to_owned))
}

#[session(create)]
async fn create(
    session: Session<Tested>,
    Extension(script): Extension<Script>,
) -> Result<Json<Value>, Failure> {
    play(session, script).await
}

#[session(load)]
async fn load(
    session: Session<Tested>,
    Extension(script): Extension<Script>,
) -> Result<Json<Value>, Failure> {
    play(session, script).await
}

#[derive(Clone)]
struct Script(Vec<Op>, End);

struct Failure(Value);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (http::StatusCode::IM_A_TEAPOT, Json(self.0)).into_response()
    }
}

async fn play(
    mut session: Session<Tested>,
    Script(ops, end): Script,
) -> Result<Json<Value>, Failure> {
    let saw = seen(&session);
    for op in ops {
        run(&mut session, op).await.expect("the operation succeeds");
    }
    let report = json!({ "saw": saw, "left": seen(&session) });
    match end {
        End::Return => Ok(Json(report)),
        End::Fail => Err(Failure(report)),
        End::Save | End::SaveAndFail => {
            session.save().await.expect("saved");
            if end == End::Save {
                Ok(Json(report))
            } else {
                Err(Failure(report))
            }
        }
        End::Destroy | End::DestroyAndFail => {
            session.destroy().await.expect("destroyed");
            if end == End::Destroy {
                Ok(Json(report))
            } else {
                Err(Failure(report))
            }
        }
    }
}

async fn run(session: &mut Session<Tested>, op: Op) -> Result<(), Error> {
    match op {
        Op::Insert(key, value) => session.insert(key.to_string(), value),
        Op::Remove(key) => {
            session.remove(&key.to_string());
            Ok(())
        }
        Op::Clear => {
            session.clear();
            Ok(())
        }
        Op::Touch => {
            let _ = session.data_mut();
            Ok(())
        }
        Op::Update(key, value) => {
            session
                .update(|data| data.insert(key.to_string(), value))
                .await?
        }
        Op::Rotate => session.rotate(),
        Op::Reset => session.reset(),
        Op::Login(user) => session.login(user.to_string()),
        Op::SetLifetime(idle, absolute) => {
            let (idle, absolute) = (
                Duration::from_secs(idle.into()),
                Duration::from_secs(absolute.into()),
            );
            assert_eq!(
                session.set_lifetime(idle, absolute).is_err(),
                idle > absolute
            );
            Ok(())
        }
        Op::Reload => session.reload().await,
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(&clock).build();
        let layer = Tested::layer().with_store(store.clone());
        let app = Router::new()
            .route("/create", post(create))
            .route("/load", post(load))
            .layer(layer);
        Self { app, clock, store }
    }

    pub(crate) fn advance(&self, seconds: u16) {
        self.clock.advance(Duration::from_secs(seconds.into()));
    }

    /// The number of live sessions in the store.
    pub(crate) async fn count(&self) -> u64 {
        let namespace = "model-tests/model/Tested";
        self.store.count(namespace).await.expect("the store counts")
    }

    pub(crate) async fn send(&self, route: &str, sid: Option<&str>, ops: &[Op], end: End) -> Reply {
        let mut request = Request::post(format!("/{route}"));
        if let Some(sid) = sid {
            request = request.header("X-User-Session", sid);
        }
        let request = request
            .extension(Script(ops.to_vec(), end))
            .body(Body::empty())
            .expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let sid = response
            .headers()
            .get("X-User-Session")
            .map(|sid| sid.to_str().expect("ASCII").to_owned());
        let body = to_bytes(response.into_body(), 1 << 20)
            .await
            .expect("a body");
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        let mut take =
            |name: &str| serde_json::from_value(body[name].take()).expect("what a handler saw");
        Reply {
            status,
            sid,
            saw: take("saw"),
            left: take("left"),
        }
    }
}
