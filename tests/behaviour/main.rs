//! The behavior of sessions as a client sees it: over real sockets, on every framework and store.
//!
//! Each case is written once, in terms of HTTP, and is named after the behavior that it tests;
//! `support/cases.rs` generates a test of it for each framework and store. The request carries a
//! script of what its handler does (`support/script.rs`).
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
        reason = "some helpers and cases are only for a framework or a store that is disabled"
    )
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests report failures by panicking and have no public API"
)]

mod cases;
mod configs;
mod data;
mod frameworks;
mod old_sessions;
mod reference_store;
mod server;
mod stores;
mod support;

connect_session::testing::conformance::store_conformance! {
    mod reference_store_conformance, || async {
        let clock = connect_session::testing::FakeClock::new();
        let store = reference_store::EncodedStore::new(clock.clone());
        connect_session::testing::conformance::Harness::new(store).with_clock(clock)
    }
}
