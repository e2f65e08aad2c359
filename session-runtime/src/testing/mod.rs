//! Utilities for tests of handlers and stores, behind the feature `testing`: a client that keeps cookies
//! and sids, a clock that the test advances, a store with fault injection, and the conformance kit for
//! stores.
//!
//! ```toml
//! [dev-dependencies]
//! connect-session = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # A first test
//!
//! [`client`] takes the application, an axum `Router` or another tower service, and the config. It keeps
//! the sid of a response, and sends it with the next request where the config's `loaders` look for it: in a
//! header, as a bearer token, in the query or in a cookie.
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Json, Router, http::StatusCode, routing::get};
//! use connect_session::{Session, session, session_config, testing};
//!
//! #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! struct Cart {
//!     items: Vec<String>,
//! }
//!
//! session_config! {
//!     struct Shop { data: Cart }
//! }
//!
//! #[session(create)]
//! async fn add(mut session: Session<Shop>, Json(item): Json<String>) -> StatusCode {
//!     session.items.push(item);
//!     StatusCode::NO_CONTENT
//! }
//!
//! #[session(load)]
//! async fn show(session: Session<Shop>) -> Json<Vec<String>> {
//!     Json(session.items.clone())
//! }
//!
//! fn app() -> Router {
//!     Router::new().route("/cart", get(show).post(add))
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! # pub(super)
//! async fn a_cart_keeps_its_items() {
//!     let client = testing::client::<Shop>(app());
//!     client.get("/cart").await.assert_status(401);
//!     client.post("/cart").json("tea").await.assert_status(204);
//!     let items: Vec<String> = client.get("/cart").await.assert_status(200).json();
//!     assert_eq!(items, ["tea"]);
//! }
//! # }
//! # #[cfg(feature = "axum")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { example::a_cart_keeps_its_items().await; }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! The application runs in the process of the test. Its sessions of this config are in memory, whatever the
//! `store` of the config is, and belong to the client: no server is needed, and tests do not see each other's
//! sessions. A store that the application brings with `Shop::layer().with_store(…)` is replaced, too.
//!
//! So are the stores of `Shop::sessions()` and `Shop::begin_login(…)` in a handler: "log out everywhere" ends the
//! sessions of the client. A task that the handler spawns is no part of the request and gets the config's own store;
//! move `session.of_user()` into it. In the test itself, use [`Client::sessions`].
//!
//! # A login, and the data of the session
//!
//! [`login_as`](Client::login_as) logs a user in, without the login of the application.
//! [`session`](Client::session) shows what is stored.
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! # use axum::{Json, Router, http::StatusCode, routing::{get, post}};
//! # use connect_session::{LoggedIn, Session, session, session_config, testing};
//! # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! # struct Cart { items: Vec<String> }
//! # session_config! { struct Shop { data: Cart } }
//! # #[session(load)]
//! # async fn show(session: Session<Shop>) -> Json<Vec<String>> { Json(session.items.clone()) }
//! # #[session(load, fresh = 5m)]
//! # async fn change_password(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # #[session(load, level = 2)]
//! # async fn pay(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # fn app() -> Router {
//! #     Router::new()
//! #         .route("/cart", get(show))
//! #         .route("/password", post(change_password))
//! #         .route("/pay", post(pay))
//! # }
//! # /*
//! #[tokio::test]
//! # */
//! # pub(super)
//! async fn a_payment_needs_a_second_factor() {
//!     let client = testing::client::<Shop>(app());
//!     client.login_as("ada").await;
//!     client.post("/pay").await.assert_status(401);
//!
//!     let cart = Cart { items: vec!["tea".to_owned()] };
//!     client.login_as("ada").level(2).with_data(cart).await;
//!     client.post("/pay").await.assert_status(204);
//!
//!     let session = client.session().expect("a session");
//!     assert_eq!((session.subject(), session.level()), (Some("ada"), 2));
//!     assert_eq!(session.items, ["tea"]);
//! }
//! # }
//! # #[cfg(feature = "axum")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { example::a_payment_needs_a_second_factor().await; }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! # Time
//!
//! Time stands still until [`advance`](Client::advance) is called.
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! # use axum::{Json, Router, http::StatusCode, routing::{get, post}};
//! # use connect_session::{LoggedIn, Session, session, session_config, testing};
//! # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! # struct Cart { items: Vec<String> }
//! # session_config! { struct Shop { data: Cart } }
//! # #[session(load)]
//! # async fn show(session: Session<Shop>) -> Json<Vec<String>> { Json(session.items.clone()) }
//! # #[session(load, fresh = 5m)]
//! # async fn change_password(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # #[session(load, level = 2)]
//! # async fn pay(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # fn app() -> Router {
//! #     Router::new()
//! #         .route("/cart", get(show))
//! #         .route("/password", post(change_password))
//! #         .route("/pay", post(pay))
//! # }
//! use std::time::Duration;
//!
//! # /*
//! #[tokio::test]
//! # */
//! # pub(super)
//! async fn a_session_ends_after_30_minutes() {
//!     let client = testing::client::<Shop>(app());
//!     client.login_as("ada").await;
//!     client.advance(Duration::from_secs(31 * 60));
//!     client.get("/cart").await.assert_status(401);
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! # pub(super)
//! async fn a_new_password_needs_a_recent_login() {
//!     let client = testing::client::<Shop>(app());
//!     client.login_as("ada").await;
//!     client.post("/password").await.assert_status(204);
//!     client.advance(Duration::from_secs(6 * 60));
//!     client.post("/password").await.assert_status(401);
//! }
//! # }
//! # #[cfg(feature = "axum")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { example::a_session_ends_after_30_minutes().await; example::a_new_password_needs_a_recent_login().await; }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! # A store that fails
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! # use axum::{Json, Router, http::StatusCode, routing::{get, post}};
//! # use connect_session::{LoggedIn, Session, session, session_config, testing};
//! # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! # struct Cart { items: Vec<String> }
//! # session_config! { struct Shop { data: Cart } }
//! # #[session(load)]
//! # async fn show(session: Session<Shop>) -> Json<Vec<String>> { Json(session.items.clone()) }
//! # #[session(load, fresh = 5m)]
//! # async fn change_password(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # #[session(load, level = 2)]
//! # async fn pay(_session: LoggedIn<Shop>) -> StatusCode { StatusCode::NO_CONTENT }
//! # fn app() -> Router {
//! #     Router::new()
//! #         .route("/cart", get(show))
//! #         .route("/password", post(change_password))
//! #         .route("/pay", post(pay))
//! # }
//! # /*
//! #[tokio::test]
//! # */
//! # pub(super)
//! async fn a_failed_store_is_not_an_empty_cart() {
//!     let client = testing::client::<Shop>(app());
//!     client.login_as("ada").await;
//!     client.faults().fail_all(true);
//!     client.get("/cart").await.assert_status(503);
//! }
//! # }
//! # #[cfg(feature = "axum")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { example::a_failed_store_is_not_an_empty_cart().await; }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! [`Faults`] can also let single operations fail, lose the reply to a commit, or hold a commit back.
//!
//! # Every framework
//!
//! The client is the same; a function of each framework takes its application.
//!
//! | framework | a client |
//! | --- | --- |
//! | axum, tower | `testing::client::<Shop>(router)` |
//! | actix-web | `testing::actix_web::client::<Shop>(App::new().service(show)).await` |
//! | poem | `testing::poem::client::<Shop>(route)` |
//! | rocket | `testing::rocket::client::<Shop>(rocket::build().mount("/", routes![show])).await` |
//! | salvo | `testing::salvo::client::<Shop>(router)` |
//! | plain `http` | `testing::client::<Shop>(tower::service_fn(show))`, with the feature `tower` |
//!
//! # Stores
//!
//! A store runs the [`conformance`] kit. [`FakeClock`] and [`FailingStore`] also work without a client, with
//! `Shop::layer().with_store(…)`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test reports by panicking"
)]

#[cfg(feature = "_layer")]
mod apps;
#[cfg(feature = "_layer")]
mod client;
pub mod conformance;
mod failing;
mod fake_clock;

#[cfg(feature = "actix-web")]
pub use apps::actix_web;
#[cfg(feature = "poem")]
pub use apps::poem;
#[cfg(feature = "rocket")]
pub use apps::rocket;
#[cfg(feature = "salvo")]
pub use apps::salvo;
#[cfg(feature = "tower")]
pub use apps::{HttpApp, client};
#[cfg(feature = "_layer")]
pub(crate) use client::store_of;
#[cfg(feature = "_layer")]
pub use client::{Client, NewSession, TestRequest, TestResponse};
pub use failing::{CommitFault, FailingStore, Faults, Pause};
pub use fake_clock::FakeClock;
