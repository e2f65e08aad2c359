//! A shop for browsers and for programs: a cart before the login, "remember me", messages that are shown
//! once, and a session in a background task.
//!
//! `cargo run --example shop`, and follow what it prints. `PORT` sets the port (default 3000).
//!
//! Browsers keep the sid in a cookie, programs send it in a header: one config, two transports. A browser's
//! session begins with the first item in its cart, so that visitors and crawlers leave none behind.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use connect_session::{Error, Session, SessionView, session, session_config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Shopper {
    /// How many of each item.
    cart: BTreeMap<String, u32>,
    /// Shown once.
    messages: Vec<String>,
    orders: u32,
}

session_config! {
    /// Sessions of the shop. The first loader says how a new sid is sent, unless a handler says otherwise.
    struct Shop {
        data: Shopper,
        loaders: [cookie("__Host-shop"), header("X-User-Session")],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        merge: { cart: keys, orders: add },
        on_conflict: reject,
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The page of a visitor, whose session is stored with the first item.
#[session(load)]
async fn cart(session: Option<Session<Shop>>) -> Json<Value> {
    let Some(mut session) = session else {
        return Json(json!({ "cart": {}, "messages": [], "user": null }));
    };
    // A message is taken only if there is one: reading changes nothing.
    let messages = if session.data().messages.is_empty() {
        Vec::new()
    } else {
        std::mem::take(&mut session.messages)
    };
    Json(json!({ "cart": session.cart, "messages": messages, "user": session.subject() }))
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

/// With `lazy`, a request that adds nothing stores no session.
#[session(create, lazy)]
async fn add(mut session: Session<Shop>, Json(Item { item }): Json<Item>) -> StatusCode {
    if item.is_empty() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    *session.cart.entry(item).or_default() += 1;
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Login {
    user: u64,
    password: String,
    #[serde(default)]
    remember: bool,
}

/// A program that has no browser: it asks for the sid in a header.
#[session(create, emit = header)]
async fn open(session: Session<Shop>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "sid": session.sid() })))
}

/// The cart of the visitor stays. The sid changes, so nobody who knows the old one is logged in.
#[session(create)]
async fn login(mut session: Session<Shop>, Json(login): Json<Login>) -> Result<Response, Failure> {
    // A real program compares a hash, such as argon2's.
    if login.password != "correct horse battery staple" {
        return Err(Failure::Password);
    }
    session.login(login.user)?;
    // Browsers keep the cookie of the first for 90 days, and of the second until they are closed. Both say so,
    // because an earlier login of this session may have said the other.
    if login.remember {
        session.set_lifetime(30 * DAY, 90 * DAY)?;
    } else {
        session.set_lifetime(30 * MINUTE, 12 * HOUR)?;
    }
    session.messages.push("Welcome back!".to_owned());
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[session(load)]
async fn logout(session: Session<Shop>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers at once, and reports in the session when the order is placed.
#[session(load)]
async fn order(mut session: Session<Shop>) -> Result<StatusCode, Failure> {
    if session.subject().is_none() {
        return Err(Failure::Anonymous);
    }
    tokio::spawn(async move {
        // A real program calls its payment service here.
        tokio::task::yield_now().await;
        let ordered = session
            .update(|shopper| {
                shopper.orders += 1;
                shopper.cart.clear();
                shopper
                    .messages
                    .push(format!("Order {} is on its way.", shopper.orders));
            })
            .await;
        if let Err(error) = ordered {
            // Logged out meanwhile, or the store is gone.
            eprintln!("the order was placed, but its session was not told: {error}");
        }
    });
    Ok(StatusCode::ACCEPTED)
}

/// Reads the session without an attribute, as middleware does.
async fn whoami(session: Option<SessionView<Shop>>) -> String {
    let user = session.as_ref().and_then(|session| session.subject());
    user.unwrap_or("nobody").to_owned()
}

/// Why a handler failed. As an `Err` it stores nothing.
enum Failure {
    Password,
    Anonymous,
    Session(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Password => (StatusCode::FORBIDDEN, "wrong user or password").into_response(),
            Self::Anonymous => (StatusCode::UNAUTHORIZED, "log in first").into_response(),
            Self::Session(error) => error.into_response(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let app = Router::new()
        .route("/cart", get(cart).post(add))
        .route("/sessions", post(open).delete(logout))
        .route("/login", post(login))
        .route("/orders", post(order))
        .route("/whoami", get(whoami))
        .layer(Shop::layer());
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "listening on http://{0}

  curl -c jar -b jar http://{0}/cart -H 'Content-Type: application/json' -d '{{\"item\":\"tea\"}}'
  curl -c jar -b jar http://{0}/cart
  curl -X POST http://{0}/sessions        # the sid for a program, in X-User-Session
",
        listener.local_addr()?
    );
    axum::serve(listener, app).await?;
    Ok(())
}
