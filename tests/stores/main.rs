//! The stores, each on the server that it is made for.
//!
//! `cargo test` ignores the tests that need a server; `scripts/test` starts the servers and runs
//! them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::option_option,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests report failures by panicking and have no public API"
)]

mod data;
mod demotion;
mod encryption;
mod fixture;
mod interruptions;
mod logins;
mod mysql;
mod namespaces;
mod outage;
mod passwords;
mod pgbouncer;
mod postgres;

mod redis;
mod runtimes;
mod scale;
mod sealed;
mod servers;
mod shared;
mod sql_proxy;
mod sqlite;
#[path = "../shared/temp_table.rs"]
mod temp_table;
mod tower_sessions;
mod warnings;
