//! The stores, each on the server that it is for.
//!
//! What needs a server is ignored by `cargo test`, which says so; `scripts/test` brings the servers
//! up and runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test reports by panicking, and has no users"
)]

mod fixture;
mod mysql;
mod postgres;

mod redis;
mod scale;
mod servers;
mod shared;
mod sql_proxy;
mod sqlite;
#[path = "../shared/temp_table.rs"]
mod temp_table;
mod tower_sessions;
