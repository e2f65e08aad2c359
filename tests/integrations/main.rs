//! Sessions together with the features of each framework: error handling, API documents, test
//! clients, state, and the order of attributes.
#![cfg_attr(
    not(all(feature = "actix-web", feature = "rocket")),
    allow(
        dead_code,
        reason = "some helpers are only for a framework that is disabled"
    )
)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::just_underscores_and_digits,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "tests fail by panicking and have no public API; frameworks determine the signatures of handlers"
)]

#[cfg(feature = "actix-web")]
mod actix;
#[cfg(feature = "admin")]
mod admin;
mod adopt;
#[cfg(feature = "aide")]
mod aide;
mod axum;
mod events;
mod first_use;
#[cfg(feature = "grpc")]
mod grpc;
mod long_user;
#[cfg(feature = "metrics")]
mod metrics;
mod on_success;
mod openapi;
#[cfg(feature = "poem")]
mod poem;
#[cfg(feature = "poem")]
mod poem_openapi;
mod policy;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;
mod shop;
#[cfg(any(feature = "poem", feature = "salvo"))]
mod streams;
mod testing;
mod traces;
mod two_guards;
mod unpolled;
mod users;
#[cfg(feature = "utoipa")]
mod utoipa;
mod websocket_http2;
