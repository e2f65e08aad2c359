//! What each framework's users are used to, and what has to work with sessions too: its error
//! handling, its documents, its test client, its state, and the order of attributes.
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

mod actix;
mod axum;
mod grpc;
mod poem;
mod rocket;
mod salvo;
mod shop;
