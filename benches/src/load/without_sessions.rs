//! The same API without sessions: the same routes, and responses of the same shape and length.
//! Session values are constants, and the counters are shared by all clients.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

const ID: &str = "01900000-0000-7000-8000-000000000000";
const SID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TIME: u64 = 1_800_000_000;

static VISITS: AtomicU64 = AtomicU64::new(0);
static VIEWS: AtomicU64 = AtomicU64::new(0);

pub fn router() -> Router {
    Router::new()
        .route("/sessions", post(open))
        .route("/sessions/current", get(current))
        .route("/visits", post(visit))
        .route("/views", post(view))
}

async fn open() -> (StatusCode, Json<Value>) {
    let body = json!({ "sid": SID, "id": ID, "expires_at": TIME });
    (StatusCode::CREATED, Json(body))
}

async fn current() -> Json<Value> {
    Json(json!({
        "id": ID,
        "user": Value::Null,
        "created_at": TIME,
        "expires_at": TIME,
        "visits": VISITS.load(Ordering::Relaxed),
        "views": VIEWS.load(Ordering::Relaxed),
    }))
}

async fn visit() -> Json<Value> {
    let visits = VISITS.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({ "visits": visits }))
}

async fn view() -> StatusCode {
    VIEWS.fetch_add(1, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}
