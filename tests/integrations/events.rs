//! What a listener learns of the end of a session: why, which session, and whose.

use std::sync::Mutex;
use std::time::Duration;

use ::axum::Router;
use ::axum::body::Body;
use ::axum::routing::{get, post};
use connect_session::store::MemoryStore;
use connect_session::testing::FakeClock;
use connect_session::{
    Error, Event, EventKind, LoggedIn, Session, Untyped, session, session_config,
};
use http::Request;
use tower::ServiceExt as _;

session_config! {
    struct Ending {
        max_sessions: 1,
        renew_every: 1m,
        renew_grace: 10s,
        on_reuse: end,
        on_event: listen,
    }
}

/// Each end: the reason, the id of the session, and the user.
static ENDS: Mutex<Vec<[String; 3]>> = Mutex::new(Vec::new());

fn listen(event: &Event<'_>) {
    if let Some(reason) = event.kind.end_reason() {
        let id = event.id.expect("every end is that of a session");
        let user = event.subject.unwrap_or("nobody");
        let end = [reason.to_owned(), id.to_string(), user.to_owned()];
        ENDS.lock().unwrap().push(end);
    }
}

#[session(create)]
async fn open(session: Session<Ending>) -> String {
    session.id().to_string()
}

#[session(create)]
async fn login(mut session: Session<Ending>, user: String) -> Result<String, Error> {
    session.login(user)?;
    Ok(session.id().to_string())
}

#[session(load)]
async fn logout(session: LoggedIn<Ending>) -> Result<(), Error> {
    session.destroy().await
}

#[session(load)]
async fn revoke(session: LoggedIn<Ending>) -> Result<String, Error> {
    Ok(session.of_user().end_all().await?.to_string())
}

/// Returns the id of the session, and its sid if the response has one.
async fn send(app: &Router, path: &str, sid: &str, user: &str) -> (String, String) {
    let request = Request::post(path).header("X-User-Session", sid);
    let request = request.body(Body::from(user.to_owned())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let sid = response.headers().get("X-User-Session");
    let sid = sid.map_or("", |sid| sid.to_str().unwrap()).to_owned();
    let body = ::axum::body::to_bytes(response.into_body(), 1_000)
        .await
        .unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), sid)
}

#[tokio::test]
async fn an_end_has_its_reason_its_session_and_its_user() {
    let clock = FakeClock::new();
    let store = |capacity| {
        let builder = MemoryStore::<Untyped>::builder().clock(clock.clone());
        Ending::layer().with_store(builder.capacity(capacity).build())
    };
    let routes = Router::new()
        .route("/open", post(open))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/revoke", post(revoke))
        .route("/ping", get(open).post(open));
    let app = routes.clone().layer(store(1_000));
    let mut expected = Vec::new();
    let mut expect = |reason: &str, id: &str, user: &str| {
        expected.push([reason, id, user].map(str::to_owned));
    };

    let (id, sid) = send(&app, "/login", "", "ada").await;
    send(&app, "/logout", &sid, "").await;
    expect("logout", &id, "ada");

    let (id, _) = send(&app, "/login", "", "ada").await;
    expect("replaced", &id, "ada");
    let (id, sid) = send(&app, "/login", "", "ada").await;
    send(&app, "/revoke", &sid, "").await;
    expect("revoked", &id, "ada");

    let (id, first) = send(&app, "/login", "", "bob").await;
    clock.advance(Duration::from_secs(120));
    let (_, second) = send(&app, "/ping", &first, "").await;
    send(&app, "/ping", &second, "").await;
    clock.advance(Duration::from_secs(30));
    send(&app, "/ping", &first, "").await;
    expect("reused", &id, "bob");

    let full = routes.layer(store(1));
    let (id, _) = send(&full, "/open", "", "").await;
    send(&full, "/open", "", "").await;
    expect("evicted", &id, "nobody");

    assert_eq!(*ENDS.lock().unwrap(), expected);
    assert_eq!(EventKind::Discarded.end_reason(), Some("undecodable"));
    assert_eq!(EventKind::Rotated.end_reason(), None);
}
