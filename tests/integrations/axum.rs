//! axum.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::{State, WebSocketUpgrade, ws};
use ::axum::middleware::map_response;
use ::axum::response::sse::{Event, Sse};
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::get;
use connect_session::store::MemoryStore;
use connect_session::{Error, Session, SessionView, session};
use futures_util::{Stream, stream};
use http::Request;
use tower::ServiceExt as _;
use utoipa::OpenApi;

use crate::shop::{
    Shop, Signal, assert_events_save_the_session, assert_socket_saves_the_session,
    assert_socket_updates_the_session, save_inside, store, update_inside,
};

#[session(load)]
async fn items(session: Session<Shop>) -> String {
    serde_json::to_string(&session.items).unwrap()
}

#[session(create)]
async fn events(
    session: Session<Shop>,
    State(signal): State<Signal>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::once(async {
        save_inside(session, signal).await;
        Ok(Event::default().data("saved"))
    }))
}

#[session(create)]
async fn socket(
    session: Session<Shop>,
    State(signal): State<Signal>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(async |mut socket| {
        socket.recv().await.unwrap().unwrap();
        let text = save_inside(session, signal).await;
        socket.send(ws::Message::text(text)).await.unwrap();
    })
}

#[session(load)]
async fn needed(session: Session<Shop>, upgrade: WebSocketUpgrade) -> Response {
    drop(session);
    upgrade.on_upgrade(async |_| {})
}

#[session(create)]
async fn chat(mut session: Session<Shop>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(ws::Message::Text(message))) = socket.recv().await {
            let Ok(count) = update_inside(&mut session, message.to_string()).await else {
                break;
            };
            socket.send(ws::Message::text(count)).await.unwrap();
        }
        socket.send(ws::Message::Close(None)).await.unwrap();
    })
}

#[session(load)]
async fn leave(session: Session<Shop>) -> Result<(), Error> {
    session.destroy().await
}

fn app(signal: &Signal) -> Router {
    Router::new()
        .route("/items", get(items))
        .route("/events", get(events))
        .route("/socket", get(socket))
        .route("/needed", get(needed))
        .route("/chat", get(chat))
        .route("/leave", get(leave))
        .with_state(signal.clone())
        .layer(Shop::layer().with_store(store()))
}

async fn serve(signal: &Signal) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app(signal);
    tokio::spawn(async move { ::axum::serve(listener, app).await.unwrap() });
    address
}

#[tokio::test]
async fn server_sent_events() {
    let signal = Signal::default();
    assert_events_save_the_session(serve(&signal).await, signal).await;
}

#[tokio::test]
async fn a_web_socket() {
    let signal = Signal::default();
    assert_socket_saves_the_session(serve(&signal).await, signal).await;
}

#[tokio::test]
async fn the_loop_of_a_web_socket() {
    let signal = Signal::default();
    assert_socket_updates_the_session(serve(&signal).await, signal).await;
}

/// An attribute above `#[session]` documents the function as written, one below it the function
/// that axum sees.
#[utoipa::path(get, path = "/above", responses((status = 200, body = String)))]
#[session(load)]
async fn above(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
#[utoipa::path(get, path = "/below", responses((status = 200, body = String)))]
async fn below(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[derive(OpenApi)]
#[openapi(paths(above, below))]
struct Document;

#[tokio::test]
async fn utoipa_above_and_below_the_attribute() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    assert_eq!(document["paths"].as_object().unwrap().len(), 2);
    assert!(document["paths"]["/above"]["get"]["responses"]["200"].is_object());
    let app: Router = Router::new()
        .route("/above", get(above))
        .route("/below", get(below));
    for path in ["/above", "/below"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
    }
}

/// The session of a handler beside a view of another config.
#[session(create)]
async fn beside(session: Session<Shop>, view: SessionView) -> String {
    format!("{} {}", session.id(), view.id())
}

#[tokio::test]
async fn a_view_of_another_config() {
    #[session(create)]
    async fn open(_session: Session) {}
    let app: Router = Router::new().route("/", get(beside).post(open));
    let request = |method: &str, sid: &str| {
        let request = Request::builder().method(method).uri("/");
        request
            .header("x-user-session", sid)
            .body(Body::empty())
            .unwrap()
    };
    let opened = app.clone().oneshot(request("POST", "")).await.unwrap();
    let sid = crate::shop::sid(opened.headers());
    let response = app.oneshot(request("GET", &sid)).await.unwrap();
    assert_eq!(response.status(), 200);
}

/// A rejection is an ordinary response, so error-page middleware receives it.
#[tokio::test]
async fn rejections_reach_error_middleware() {
    async fn page(response: Response) -> Response {
        match response.status().as_u16() {
            401 => (response.status(), "a page of our own").into_response(),
            _ => response,
        }
    }
    let app = app(&Signal::default()).layer(map_response(page));
    let request = Request::get("/items").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = ::axum::body::to_bytes(response.into_body(), 100).await;
    assert_eq!(body.unwrap(), "a page of our own");
}

static OTHER_TASK_RAN: AtomicBool = AtomicBool::new(false);

/// Reloads until another task has run.
#[session(load)]
async fn polls(mut session: Session<Shop>) -> Result<&'static str, Error> {
    for _ in 0..100_000 {
        session.reload().await?;
        if OTHER_TASK_RAN.load(Ordering::SeqCst) {
            return Ok("others ran");
        }
    }
    Ok("no other task ran")
}

#[session(create)]
async fn begun(session: Session<Shop>) -> String {
    session.id().to_string()
}

/// A store that never waits must not block the only thread.
#[tokio::test]
async fn a_handler_that_loads_from_a_sync_store_in_a_loop_yields() {
    let app = Router::new()
        .route("/", get(polls).post(begun))
        .layer(Shop::layer().with_store(MemoryStore::new()));
    let ask = |method: &str, sid: Option<String>| {
        let mut request = Request::builder().method(method).uri("/");
        request = sid.into_iter().fold(request, |request, sid| {
            request.header("x-user-session", sid)
        });
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let created = ask("POST", None).await.unwrap();
    let sid = crate::shop::sid(created.headers());
    tokio::spawn(async { OTHER_TASK_RAN.store(true, Ordering::SeqCst) });
    let reply = ask("GET", Some(sid)).await.unwrap();
    let body = ::axum::body::to_bytes(reply.into_body(), 100)
        .await
        .unwrap();
    assert_eq!(body, "others ran");
}

#[session(create)]
async fn begin(session: Session<Shop>) {
    drop(session);
}

/// Logs in and moves the session into a task, which saves it after the first signal, and then
/// sends the second.
#[session(load)]
async fn logs_in(
    mut session: Session<Shop>,
    State([may, has]): State<[Signal; 2]>,
) -> Result<(), Error> {
    session.login("ada")?;
    tokio::spawn(async move {
        may.notified().await;
        session.items.push("late".to_owned());
        session.save().await.unwrap();
        has.notify_one();
    });
    Ok(())
}

#[tokio::test]
async fn a_client_that_disconnects_during_the_commit_keeps_its_sid() {
    let (store, [may, has]) = (store(), [Signal::default(), Signal::default()]);
    let faults = store.faults();
    let app = Router::new()
        .route("/begin", get(begin))
        .route("/items", get(items))
        .route("/login", get(logs_in))
        .with_state([may.clone(), has.clone()])
        .layer(Shop::layer().with_store(store));
    let ask = |path: &str, sid: &str| {
        let request = Request::get(path).header("x-user-session", sid);
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let begun = ask("/begin", "").await.unwrap();
    let sid = crate::shop::sid(begun.headers());

    let pause = faults.pause_before_commit();
    let mut login = Box::pin(ask("/login", &sid));
    tokio::select! {
        reply = &mut login => panic!("the paused commit finished: {reply:?}"),
        () = pause.reached() => {}
    }
    drop(login);
    pause.release();
    may.notify_one();
    has.notified().await;

    let found = ask("/items", &sid).await.unwrap();
    assert_eq!(
        found.status(),
        200,
        "the old sid is invalid although the login's response was not sent"
    );
    let body = ::axum::body::to_bytes(found.into_body(), 1_000).await;
    assert_eq!(body.unwrap(), r#"["late"]"#);
}
