//! An application, and what a user does there whose id and label are long and odd.

use std::sync::Mutex;

use ::axum::body::Body;
use ::axum::routing::{any, post};
use ::axum::{Router, extract::DefaultBodyLimit};
use connect_session::store::{AnyStore, MemoryStore};
use connect_session::testing::{FailingStore, Faults};
use connect_session::{Error, Event, LoggedIn, Session, Untyped, session, session_config};
use http::{Request, StatusCode};
use tower::ServiceExt as _;

session_config! {
    struct Shop { max_sessions: 1, on_event: listen }
}

/// What the listener has got.
pub(crate) static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn listen(event: &Event<'_>) {
    HEARD.lock().unwrap().push(format!("{event} {event:?}"));
}

#[session(create)]
async fn login(mut session: Session<Shop>, user: String) -> Result<(), Error> {
    session.label(user.clone());
    session.login(user)
}

#[session(load)]
async fn visit(mut session: Session<Shop>) -> Result<(), Error> {
    session.insert("visited", true)
}

#[session(load)]
async fn logout(session: LoggedIn<Shop>) -> Result<(), Error> {
    session.destroy().await
}

pub(crate) fn app() -> (Router, Faults) {
    let store = FailingStore::new(MemoryStore::<Untyped>::new());
    let faults = store.faults();
    let app = Router::new()
        .route("/login", post(login))
        .route("/visit", any(visit))
        .route("/logout", post(logout))
        .layer(DefaultBodyLimit::disable())
        .layer(Shop::layer().with_store(AnyStore::new(store)));
    (app, faults)
}

/// Sends a request; returns the status and the new sid.
pub(crate) async fn send(app: &Router, path: &str, sid: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path).header("X-User-Session", sid);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let sid = response.headers().get("X-User-Session");
    let sid = sid.map_or_else(String::new, |sid| sid.to_str().unwrap().to_owned());
    (response.status(), sid)
}

/// Logs in on two devices, of which the first is logged out for that; visits with both, and once more while the
/// store fails; and logs out. Returns the sids.
///
/// The id has quotes, line breaks and almost 1 MiB, the most that an id may have.
pub(crate) async fn act(app: &Router, faults: &Faults, number: usize) -> [String; 2] {
    let text = "x".repeat((1 << 20) - 64);
    let user = format!("ada{number}\"'\r\nERROR forged{{}}{text}");
    let (_, first) = send(app, "/login", "", &user).await;
    let (_, second) = send(app, "/login", "", &user).await;
    assert_eq!(send(app, "/visit", &second, "").await.0, 200);
    assert_eq!(send(app, "/visit", &first, "").await.0, 401);
    faults.fail_loads(true);
    assert_eq!(send(app, "/visit", &second, "").await.0, 503);
    faults.fail_loads(false);
    assert_eq!(send(app, "/logout", &second, "").await.0, 200);
    [first, second]
}
