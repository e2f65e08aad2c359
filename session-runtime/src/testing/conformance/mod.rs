//! The cases that every store has to pass: for authors of stores.
//!
//! [`store_conformance!`] makes one `#[test]` of each case. All that it
//! needs is a function that makes a store, and what time that store goes by:
//!
//! ```
//! use connect_session::store::MemoryStore;
//! use connect_session::testing::FakeClock;
//! use connect_session::testing::conformance::{Harness, store_conformance};
//!
//! store_conformance! {
//!     mod memory_store, || async {
//!         let clock = FakeClock::new();
//!         let store = MemoryStore::builder().clock(clock.clone()).build();
//!         Harness::new(store).with_clock(clock)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! The function is called once for each case, inside a tokio runtime with several threads. Stores
//! may share one server: every case uses a namespace of its own, and random ids. Attributes
//! before `mod` are put on every test, as in `#[ignore = "needs a server"] mod my_store, …`.
//!
//! A store that goes by the clock of a server is tested with short deadlines, past which the case
//! sleeps; the only times that are compared are far apart. Two things are then not checked:
//! the very millisecond of a deadline, and what would take minutes.
//!
//! A store that never has to wait ([`Store::as_sync`](crate::store::Store::as_sync)) is asked
//! by its futures half of the time, and half of the time without.
//!
//! What the cases cannot see, an author checks alone: that a read-only load writes nothing, the
//! number of round trips, and what happens when the server fails, restarts or fails over.

mod fixture;
mod macros;
mod run;

pub mod cases;

pub use crate::store_conformance;
pub use fixture::Fixture;
#[cfg(test)]
pub(super) use fixture::{request, set};
pub use run::{Harness, run};
