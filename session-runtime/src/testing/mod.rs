//! For tests of handlers and of stores: a clock that is moved by hand, a store that fails when it
//! is told to, and the cases that every store has to pass.
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
