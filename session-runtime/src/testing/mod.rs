//! Utilities for tests of handlers and stores: a clock that the test advances, a store with fault
//! injection, and the conformance kit for stores.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test reports by panicking"
)]

pub mod conformance;
mod failing;
mod fake_clock;

pub use failing::{CommitFault, FailingStore, Faults, Pause};
pub use fake_clock::FakeClock;
