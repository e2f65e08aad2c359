//! What each framework's users are used to, and what has to work with sessions too: its error
//! handling, its documents, its test client, its state, and the order of attributes.
#![cfg_attr(
    not(all(feature = "actix-web", feature = "rocket")),
    allow(
        dead_code,
        reason = "some helpers are only for a framework that is off"
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
    reason = "a test fails by panicking, has no users, and its handlers are what a framework takes"
)]

#[cfg(feature = "actix-web")]
mod actix;
mod axum;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "poem")]
mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;
mod shop;
mod two_guards;
