//! An API that serves its OpenAPI document, with utoipa: `GET /openapi.json`.
//!
//! `cargo run -p openapi-api`. `PORT` sets the port (default 3000). No handler mentions a security scheme or a
//! response of its session: `#[session(…)]` adds them to the `#[utoipa::path]` below it.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use connect_session::openapi::UtoipaSecurity;
use connect_session::{Error, LoggedIn, Session, session, session_config};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
struct Cart {
    items: Vec<String>,
}

session_config! {
    /// The shop's sessions.
    struct Shop {
        data: Cart,
        loaders: [header("X-User-Session"), bearer],
        max_size: 64KiB,
    }
}

/// Begins a session.
#[session(create)]
#[utoipa::path(post, path = "/sessions", responses((status = 201, body = String, content_type = "text/plain")))]
async fn open(session: Session<Shop>) -> (StatusCode, String) {
    (StatusCode::CREATED, session.id().to_string())
}

/// Ends the session.
#[session(load)]
#[utoipa::path(delete, path = "/sessions/current", responses((status = 204)))]
async fn close(session: Session<Shop>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
}

/// Logs a user in. A real program checks a password here.
#[session(create)]
#[utoipa::path(
    post,
    path = "/login",
    request_body = Login,
    responses(
        (status = 204),
        (status = 400, description = "The body is not JSON", body = String, content_type = "text/plain"),
        (status = 415, description = "The body is not declared as JSON", body = String, content_type = "text/plain"),
        (status = 422, description = "The body is no login", body = String, content_type = "text/plain"),
    ),
)]
async fn login(mut session: Session<Shop>, Json(login): Json<Login>) -> Result<StatusCode, Error> {
    session.login(login.user)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The user of the session.
#[session(load)]
#[utoipa::path(get, path = "/me", responses((status = 200, body = String, content_type = "text/plain")))]
async fn me(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

/// The cart, with or without a session.
#[session(load)]
#[utoipa::path(get, path = "/cart", responses((status = 200, body = Cart)))]
async fn cart(session: Option<Session<Shop>>) -> Json<Cart> {
    Json(
        session
            .map(|session| session.data().clone())
            .unwrap_or_default(),
    )
}

/// Adds an item.
#[session(load)]
#[utoipa::path(post, path = "/cart/{item}", params(("item" = String, Path)), responses((status = 200, body = Cart)))]
async fn add(mut session: Session<Shop>, Path(item): Path<String>) -> Json<Cart> {
    session.items.push(item);
    Json(session.data().clone())
}

#[derive(OpenApi)]
#[openapi(paths(open, close, login, me, cart, add), modifiers(&UtoipaSecurity))]
struct Document;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let app = Router::new()
        .route("/sessions", post(open))
        .route("/sessions/current", delete(close))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/cart", get(cart))
        .route("/cart/{item}", post(add))
        .route("/openapi.json", get(async || Json(Document::openapi())));
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
