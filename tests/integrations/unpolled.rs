//! A future of a session that a handler polls once and then moves into the body of its response. The server
//! polls the body only after the commit. The clock of these tests is paused: if nothing can happen any more,
//! it jumps to the next deadline.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connect_session::testing::Faults;
use connect_session::{Error, Session, session};
use futures_util::stream;
use tower::ServiceExt as _;

use crate::shop::{Shop, Store, sid, store};

type Pending = Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send>>;

/// Polls a future until it waits for the store, lets the store continue, and moves the future into the
/// body.
async fn moved_into_the_body(faults: &Faults, mut pending: Pending) -> Response {
    let pause = faults.pause_before_commit();
    let polled = poll_fn(|context| Poll::Ready(pending.as_mut().poll(context)));
    assert!(polled.await.is_pending());
    pause.release();
    Body::from_stream(stream::once(pending)).into_response()
}

fn update(mut session: Session<Shop>) -> Pending {
    Box::pin(async move {
        session
            .update(|cart| cart.items.push("of the update".to_owned()))
            .await?;
        Ok(Bytes::from_static(b"updated"))
    })
}

fn save(mut session: Session<Shop>) -> Pending {
    Box::pin(async move {
        session.items.push("of the save".to_owned());
        session.save().await?;
        Ok(Bytes::from_static(b"saved"))
    })
}

#[session(load)]
async fn rotate_and_update(mut session: Session<Shop>, faults: Extension<Faults>) -> Response {
    session.rotate().unwrap();
    moved_into_the_body(&faults, update(session)).await
}

#[session(load)]
async fn rotate_and_save(mut session: Session<Shop>, faults: Extension<Faults>) -> Response {
    session.rotate().unwrap();
    moved_into_the_body(&faults, save(session)).await
}

#[session(load)]
async fn only_update(session: Session<Shop>, faults: Extension<Faults>) -> Response {
    moved_into_the_body(&faults, update(session)).await
}

/// Middleware that writes, around a handler whose response contains the update.
#[session(load)]
async fn write(mut session: Session<Shop>, request: Request, next: Next) -> Response {
    session.items.push("of the middleware".to_owned());
    next.run(request).await
}

#[session(create)]
async fn open(session: Session<Shop>) -> &'static str {
    drop(session);
    "opened"
}

#[session(load)]
async fn items(session: Session<Shop>) -> String {
    session.items.join(" ")
}

fn app(store: Store) -> Router {
    let faults = store.faults();
    Router::new()
        .route("/below/write", get(only_update).layer(from_fn(write)))
        .route("/update", get(only_update))
        .route("/rotate/update", get(rotate_and_update))
        .route("/rotate/save", get(rotate_and_save))
        .route("/open", get(open))
        .route("/items", get(items))
        .layer(Extension(faults))
        .layer(Shop::layer().with_store(store))
}

/// Sends a request. Fails if the response never comes.
async fn send(app: &Router, path: &str, sid: &str) -> (StatusCode, Option<String>, String) {
    let request = Request::get(path).header("X-User-Session", sid);
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap());
    let a_day = Duration::from_secs(24 * 60 * 60);
    let response = tokio::time::timeout(a_day, response).await;
    let (head, body) = response.expect("the request hangs").unwrap().into_parts();
    let new = head.headers.get("x-user-session");
    let new = new.map(|_| self::sid(&head.headers));
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.status, new, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn row_48b_a_commit_does_not_wait_for_its_own_response() {
    let app = app(store());
    for path in ["/rotate/update", "/rotate/save", "/below/write"] {
        let (_, sid, _) = send(&app, "/open", "").await;
        let sid = sid.unwrap();
        let (status, new, body) = send(&app, path, &sid).await;
        assert_eq!(
            (status, new),
            (StatusCode::SERVICE_UNAVAILABLE, None),
            "{path}"
        );
        assert!(body.contains("#contention"), "{path}: {body}");
        // The old sid works, and the changes of the guard are lost, as the client was told.
        let (status, _, items) = send(&app, "/items", &sid).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!items.contains("of the middleware"), "{path}: {items}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_48b_an_update_in_the_body_is_stored_if_the_guard_has_no_changes() {
    let app = app(store());
    let (_, sid, _) = send(&app, "/open", "").await;
    let sid = sid.unwrap();
    let (status, _, body) = send(&app, "/update", &sid).await;
    assert_eq!((status, &*body), (StatusCode::OK, "updated"));
    assert_eq!(send(&app, "/items", &sid).await.2, "of the update");
}
