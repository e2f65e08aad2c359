//! The measured part of the API of `examples/rest_api.rs`: the same config, handlers and responses,
//! with the memory store.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use connect_session::{Error, Session, session, session_config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Shopper {
    cart: Vec<String>,
    visits: u64,
    views: u64,
}

session_config! {
    struct Shop {
        data: Shopper,
        loaders: [header("X-User-Session"), bearer],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        merge: { views: add },
        namespace: "load",
    }
}

pub fn router() -> Router {
    Router::new()
        .route("/sessions", post(open))
        .route("/sessions/current", get(current))
        .route("/visits", post(visit))
        .route("/views", post(view))
}

#[session(create)]
async fn open(session: Session<Shop>) -> (StatusCode, Json<Value>) {
    let body = json!({
        "sid": session.sid(),
        "id": session.id(),
        "expires_at": seconds(session.expires_at()),
    });
    (StatusCode::CREATED, Json(body))
}

#[session(load)]
async fn current(session: Session<Shop>) -> Json<Value> {
    Json(json!({
        "id": session.id(),
        "user": session.subject(),
        "created_at": seconds(session.created_at()),
        "expires_at": seconds(session.expires_at()),
        "visits": session.visits,
        "views": session.views,
    }))
}

#[session(load)]
async fn visit(mut session: Session<Shop>) -> Result<Json<Value>, Error> {
    let visits = session
        .update(|shopper| {
            shopper.visits += 1;
            shopper.visits
        })
        .await?;
    Ok(Json(json!({ "visits": visits })))
}

#[session(load)]
async fn view(mut session: Session<Shop>) -> StatusCode {
    session.views += 1;
    StatusCode::NO_CONTENT
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
