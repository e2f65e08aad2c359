//! What each framework's users are used to, and what has to work with sessions too: its error
//! handling, its documents, its test client, its state, and the order of attributes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and has no users"
)]

mod actix;
mod axum;
mod grpc;
mod poem;
mod rocket;
mod salvo;
mod shop;
