//! Requests to an application.

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use tower::ServiceExt as _;

/// Sends a request; returns the status, the new sid, and the body.
pub async fn send(app: &Router, method: &str, path: &str, sid: &str) -> (u16, String, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("x-user-session", sid).body(Body::empty());
    answer(app, request.unwrap()).await
}

/// Like [`send`], for a `POST` with a body.
pub async fn send_json(app: &Router, path: &str, sid: &str, json: String) -> (u16, String, String) {
    let request = Request::builder().method("POST").uri(path);
    let request = request.header("x-user-session", sid);
    let request = request.header("content-type", "application/json");
    answer(app, request.body(Body::from(json)).unwrap()).await
}

async fn answer(app: &Router, request: Request<Body>) -> (u16, String, String) {
    let response: Response<Body> = app.clone().oneshot(request).await.unwrap();
    let sid = response.headers().get("x-user-session");
    let sid = sid.map_or("", |sid| sid.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap();
    (status, sid, String::from_utf8(body.to_vec()).unwrap())
}
