//! How sessions behave, as a client sees it: over real sockets, on every framework and every store.
//!
//! A case is written once, against HTTP, and is named after what it shows; `support/cases.rs` makes
//! a test of it for each framework and store. What a handler does, the request says
//! (`support/script.rs`).
#![cfg_attr(
    not(all(
        feature = "actix-web",
        feature = "poem",
        feature = "rocket",
        feature = "salvo",
        feature = "redis",
        feature = "postgres",
        feature = "mysql",
        feature = "sqlite",
    )),
    allow(
        dead_code,
        clippy::match_wildcard_for_single_variants,
        clippy::unused_async,
        clippy::unused_self,
        reason = "some helpers and cases are only for a framework or a store that is off"
    )
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test reports by panicking, and has no users"
)]

mod cases;
mod configs;
mod data;
mod frameworks;
mod reference_store;
mod server;
mod stores;
mod support;
