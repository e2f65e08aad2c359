//! Two guards of one request when a commit fails, or when the session ends between them.

use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use connect_session::store::MemoryStore;
use connect_session::testing::{CommitFault, FailingStore};
use connect_session::{Error, Event, Session, session, session_config};
use tower::ServiceExt as _;

session_config! {
    struct Watched {
        on_event: record,
    }
}

static EVENTS: Mutex<Vec<(String, &'static str)>> = Mutex::new(Vec::new());

fn record(event: &Event<'_>) {
    let id = event.id.map(|id| id.to_string()).unwrap_or_default();
    EVENTS.lock().unwrap().push((id, event.kind.name()));
}

fn events(id: &str, name: &str) -> usize {
    let events = EVENTS.lock().unwrap();
    events
        .iter()
        .filter(|event| event.0 == id && event.1 == name)
        .count()
}

#[session(create)]
async fn count(mut session: Session<Watched>, request: Request, next: Next) -> Response {
    session.insert("seen", true).unwrap();
    let mut response = next.run(request).await;
    let id = session.id().to_string().parse().unwrap();
    response.headers_mut().insert("x-id", id);
    response
}

#[session(load)]
async fn log_out(session: Session<Watched>) -> Result<(), Error> {
    session.destroy().await
}

#[session(load)]
async fn forget(mut session: Session<Watched>) -> Result<(), Error> {
    session.reset()
}

#[session(create)]
async fn log_in(mut session: Session<Watched>) -> Result<(), Error> {
    session.login("user")
}

#[session(load)]
async fn keys(session: Session<Watched>) -> String {
    format!("{:?} {}", session.subject(), session.contains("seen"))
}

fn app(store: FailingStore<MemoryStore<connect_session::Untyped>>) -> Router {
    Router::new()
        .route("/out", get(log_out))
        .route("/forget", get(forget))
        .route("/in", get(log_in))
        .layer(from_fn(count))
        .route("/new", get(log_in))
        .route("/keys", get(keys))
        .layer(Watched::layer().with_store(store))
}

async fn send(app: &Router, path: &str, sid: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(sid) = sid {
        request = request.header("x-user-session", sid);
    }
    app.clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

#[tokio::test]
async fn row_92_a_write_around_a_logout_or_a_reset_is_dropped_with_an_event() {
    let store = FailingStore::new(MemoryStore::default());
    let app = app(store);
    for path in ["/out", "/forget"] {
        let sid = header(&send(&app, "/new", None).await, "x-user-session").to_owned();
        let response = send(&app, path, Some(&sid)).await;
        assert_eq!(response.status(), 200, "{path}");
        let id = header(&response, "x-id");
        assert_eq!(events(id, "dropped_unsaved"), 1, "{path}");
    }
}

#[tokio::test]
async fn row_92_a_login_reaches_the_client_although_the_outer_commit_fails() {
    let store = FailingStore::new(MemoryStore::default());
    let app = app(store.clone());
    // The inner guard inserts the session; then the outer one cannot commit its write.
    store.faults().fail_commits(CommitFault::Refused);
    let response = send(&app, "/in", None).await;
    store.faults().clear();
    assert_eq!(response.status(), 503);
    assert_eq!(header(&response, "cache-control"), "no-store");
    let sid = header(&response, "x-user-session").to_owned();
    let body = send(&app, "/keys", Some(&sid)).await.into_body();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    assert_eq!(body, r#"Some("user") false"#);
}

/// A guard whose handler did not run, because another extractor rejected the request, does not prevent the
/// other guards from sending the sid.
#[tokio::test]
async fn row_92_a_guard_without_a_handler_leaves_the_sid_to_the_outer_one() {
    #[session(create)]
    async fn needs_json(session: Session<Watched>, body: axum::Json<u8>) -> String {
        format!("{} {}", session.id(), body.0)
    }
    let app = Router::new()
        .route("/json", get(needs_json))
        .layer(from_fn(count))
        .route("/keys", get(keys));
    let response = send(&app, "/json", None).await;
    assert!(response.status().is_client_error());
    let sid = header(&response, "x-user-session").to_owned();
    assert_eq!(send(&app, "/keys", Some(&sid)).await.status(), 200);
}

/// Handlers that declare the same loaders share the session, although each has its own set of them.
#[tokio::test]
async fn row_92_handlers_with_the_same_loaders_share_the_session() {
    #[session(create, header = "X-Device")]
    async fn visitor(session: Session<Watched>, request: Request, next: Next) -> Response {
        drop(session);
        next.run(request).await
    }
    #[session(load, header = "x-device")]
    async fn id(session: Session<Watched>) -> String {
        session.id().to_string()
    }
    let app = Router::new().route("/id", get(id)).layer(from_fn(visitor));
    let response = send(&app, "/id", None).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-device"));
}

#[tokio::test]
async fn row_92_every_update_of_an_unsaved_session_counts() {
    #[session(create)]
    async fn outer(mut session: Session<Watched>, request: Request, next: Next) -> Response {
        let visits = session.update(visit).await.unwrap();
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-outer", visits.into());
        response
    }
    #[session(load)]
    async fn inner(mut session: Session<Watched>) -> String {
        session.update(visit).await.unwrap().to_string()
    }
    #[session(load)]
    async fn visits(session: Session<Watched>) -> String {
        session
            .get::<u64>("visits")
            .unwrap()
            .unwrap_or(0)
            .to_string()
    }
    fn visit(data: &mut connect_session::Untyped) -> u64 {
        let visits = data.get("visits").unwrap().unwrap_or(0) + 1;
        data.insert("visits", visits).unwrap();
        visits
    }
    let app = Router::new()
        .route("/inner", get(inner))
        .layer(from_fn(outer))
        .route("/visits", get(visits));
    let response = send(&app, "/inner", None).await;
    assert_eq!(header(&response, "x-outer"), "1");
    let sid = header(&response, "x-user-session").to_owned();
    assert_eq!(text(response).await, "2");
    assert_eq!(text(send(&app, "/visits", Some(&sid)).await).await, "2");
}

/// The response of the outermost guard is the last one that can carry the sid, also while a task still
/// runs the inner handler.
#[tokio::test]
async fn row_92_the_outer_response_carries_the_sid_while_the_inner_handler_runs() {
    static GATE: tokio::sync::Notify = tokio::sync::Notify::const_new();
    static STARTED: tokio::sync::Notify = tokio::sync::Notify::const_new();
    #[session(create)]
    async fn outer(mut session: Session<Watched>, request: Request, next: Next) -> Response {
        session.login("user").unwrap();
        let inner = tokio::spawn(next.run(request));
        STARTED.notified().await;
        drop(inner);
        Response::new(Body::empty())
    }
    #[session(load)]
    async fn slow(session: Session<Watched>) -> String {
        STARTED.notify_one();
        GATE.notified().await;
        session.id().to_string()
    }
    let app = Router::new()
        .route("/slow", get(slow))
        .layer(from_fn(outer))
        .route("/keys", get(keys));
    let response = send(&app, "/slow", None).await;
    let sid = header(&response, "x-user-session").to_owned();
    GATE.notify_one();
    assert_eq!(send(&app, "/keys", Some(&sid)).await.status(), 200);
}

/// A proof of identity belongs to the user who gave it, whichever guard stores the login.
#[tokio::test]
async fn row_92_a_step_up_reaches_the_login_of_its_user_only() {
    #[session(create)]
    async fn outer(mut session: Session<Watched>, request: Request, next: Next) -> Response {
        if request.uri().path() == "/takes-over" {
            session.step_up(2).unwrap();
        } else {
            session.login("ada").unwrap();
        }
        next.run(request).await
    }
    #[session(load)]
    async fn takes_over(mut session: Session<Watched>) {
        session.login("bob").unwrap();
    }
    #[session(load)]
    async fn steps_up(mut session: Session<Watched>) -> String {
        session.step_up(2).unwrap();
        session.level().to_string()
    }
    #[session(load)]
    async fn who(session: Session<Watched>) -> String {
        format!("{:?} {}", session.subject(), session.level())
    }
    let app = Router::new()
        .route("/takes-over", get(takes_over))
        .route("/steps-up", get(steps_up))
        .layer(from_fn(outer))
        .route("/who", get(who));
    let response = send(&app, "/steps-up", None).await;
    let ada = header(&response, "x-user-session").to_owned();
    assert_eq!(text(response).await, "2");
    let shown = text(send(&app, "/who", Some(&ada)).await).await;
    assert_eq!(shown, "Some(\"ada\") 2");

    let response = send(&app, "/takes-over", Some(&ada)).await;
    assert_eq!(response.status(), 200);
    let bob = header(&response, "x-user-session").to_owned();
    let shown = text(send(&app, "/who", Some(&bob)).await).await;
    assert_eq!(shown, "Some(\"bob\") 1");
}

#[tokio::test]
async fn row_92_a_lazy_session_of_middleware_is_stored_once_the_handler_uses_it_and_never_for_head()
{
    #[session(create, lazy)]
    async fn around(session: Session<Watched>, request: Request, next: Next) -> Response {
        drop(session);
        next.run(request).await
    }

    #[session(create, lazy)]
    async fn unused(session: Session<Watched>) -> String {
        session.is_new().to_string()
    }

    #[session(create)]
    async fn used(mut session: Session<Watched>) -> String {
        session.insert("seen", true).unwrap();
        session.sid().is_some().to_string()
    }

    let store = FailingStore::new(MemoryStore::new());
    let app = Router::new()
        .route("/unused", get(unused))
        .route("/used", get(used))
        .layer(from_fn(around))
        .layer(Watched::layer().with_store(store.clone()));
    let head = |path: &str| {
        let request = Request::head(path).body(Body::empty()).unwrap();
        app.clone().oneshot(request)
    };
    for path in ["/unused", "/used"] {
        let response = head(path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(!response.headers().contains_key("x-user-session"), "{path}");
    }
    let response = send(&app, "/unused", None).await;
    assert!(!response.headers().contains_key("x-user-session"));
    assert_eq!(text(response).await, "true");
    let response = send(&app, "/used", None).await;
    let sid = header(&response, "x-user-session").to_owned();
    assert_eq!(text(response).await, "true");
    let response = send(&app, "/unused", Some(&sid)).await;
    assert_eq!(text(response).await, "false");
}

async fn text(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}
