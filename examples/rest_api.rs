//! A REST API with sessions: a cart, a login, and two counters that stay exact under concurrent
//! requests.
//!
//! `cargo run --example rest_api`, and follow what it prints. `PORT` sets the port (default 3000),
//! `STORE` the store: `memory` (the default), `sqlite://sessions.db`, `redis://127.0.0.1`,
//! `postgres://app@127.0.0.1/shop` or `mysql://app@127.0.0.1/shop`. With any store but `memory`,
//! several instances of this program can share their sessions.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use connect_session::store::{self, AnyStore, BoxError};
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
    /// The shop's sessions.
    struct Shop {
        data: Shopper,
        loaders: [header("X-User-Session"), bearer],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        merge: { views: add },
        store: AnyStore<Shopper> = store().await?,
    }
}

/// The store that `STORE` selects. A program with a fixed store names it in its config, and needs
/// neither this function nor `AnyStore`.
async fn store() -> Result<AnyStore<Shopper>, BoxError> {
    let url = std::env::var("STORE").unwrap_or_else(|_| "memory".to_owned());
    store::connect(&url).await
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
async fn close(session: Session<Shop>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
}

/// `login` rotates the sid, which prevents session fixation. A real program checks a password here.
#[session(create)]
async fn login(mut session: Session<Shop>, Json(login): Json<Login>) -> Result<Json<Value>, Error> {
    session.login(login.user)?;
    Ok(Json(json!({ "sid": session.sid() })))
}

#[session(load)]
async fn cart(session: Option<Session<Shop>>) -> Json<Value> {
    let items = session
        .as_ref()
        .map(|session| session.cart.clone())
        .unwrap_or_default();
    Json(json!({ "items": items, "session": session.is_some() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    item: String,
}

/// Concurrent requests lose no item: the pushes are merged.
#[session(load)]
async fn add_item(mut session: Session<Shop>, Json(item): Json<Item>) -> Json<Value> {
    session.cart.push(item.item);
    Json(json!({ "items": session.cart, "session": true }))
}

/// Returns the committed count, so no two responses are equal.
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

/// The response does not need the count, so `merge: { views: add }` is enough to keep it exact.
#[session(load)]
async fn view(mut session: Session<Shop>) -> StatusCode {
    session.views += 1;
    StatusCode::NO_CONTENT
}

/// The OpenAPI document: `rest_api.json` describes the handlers, and `Shop::security()` what their sessions add.
/// [`examples/openapi`](openapi/src/main.rs) shows the same with a generator.
fn document() -> Result<Value, serde_json::Error> {
    let mut document: Value = serde_json::from_str(include_str!("rest_api.json"))?;
    let session = serde_json::to_value(Shop::security())?;
    document["components"]["securitySchemes"] = session["securitySchemes"].clone();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let methods = paths.filter_map(|(_, path)| path.as_object_mut()).flatten();
    for (_, operation) in methods {
        add_session(operation, &session);
    }
    Ok(document)
}

/// In `rest_api.json`, `"security": [{}]` says that an operation needs no session.
fn add_session(operation: &mut Value, session: &Value) {
    let needs_session = operation["security"].is_null();
    let others = operation["security"].as_array().cloned();
    let schemes = session["security"].as_array().cloned();
    operation["security"] =
        json!([schemes.unwrap_or_default(), others.unwrap_or_default()].concat());
    let responses = session["responses"].as_object().into_iter().flatten();
    for (status, response) in responses {
        if needs_session || status != "401" {
            operation["responses"][status] = response.clone();
        }
    }
    if !operation["requestBody"].is_null() {
        // What axum's `Json` answers to a body that does not fit.
        for status in ["400", "415", "422"] {
            let response = &mut operation["responses"][status];
            response["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
            if response["description"].is_null() {
                response["description"] = json!("The body does not fit");
            }
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let document = document()?;
    let app = Router::new()
        .route("/sessions", post(open))
        .route("/sessions/current", get(current).delete(close))
        .route("/login", post(login))
        .route("/cart", get(cart))
        .route("/cart/items", post(add_item))
        .route("/visits", post(visit))
        .route("/views", post(view))
        .route("/openapi.json", get(async move || Json(document)));

    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let stopped = stopped()?;
    println!("{}", greeting(&base));
    axum::serve(listener, app)
        .with_graceful_shutdown(stopped)
        .await?;
    Ok(())
}

fn greeting(base: &str) -> String {
    format!(
        "listening on {base}

  POST   /sessions           a new session
  GET    /sessions/current   the session, or 401
  DELETE /sessions/current   ends the session
  POST   /login              {{\"user\":\"…\"}}: logs a user in and changes the sid
  GET    /cart               the cart, with or without a session
  POST   /cart/items         {{\"item\":\"…\"}}: adds an item
  POST   /visits             counts a visit and returns the count
  POST   /views              counts a view
  GET    /openapi.json       describes all of this

  SID=$(curl -s -X POST {base}/sessions | sed 's/.*\"sid\":\"\\([^\"]*\\)\".*/\\1/')
  curl -s -X POST {base}/cart/items -H \"X-User-Session: $SID\" -H 'Content-Type: application/json' -d '{{\"item\":\"tea\"}}'
  curl -s {base}/cart -H \"X-User-Session: $SID\"
"
    )
}

/// Completes on Ctrl-C or SIGTERM. Call it before the server starts: from then on, SIGTERM no longer kills
/// the program.
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminated = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?
    };
    Ok(async move {
        #[cfg(unix)]
        let terminate = terminated.recv();
        #[cfg(not(unix))]
        let terminate = std::future::pending::<()>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate => {}
        }
    })
}
