//! Adopts sessions that the real libraries have stored, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests report failures by panicking and have no public API"
)]

mod actix;
mod axum_session;
mod axum_session_sql;
mod client;
mod express;
mod records;
#[path = "../shared/servers.rs"]
mod servers;
mod shop;
mod tower;
