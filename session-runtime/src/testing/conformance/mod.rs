//! The conformance kit for authors of stores: test cases that every store must pass.
//!
//! [`store_conformance!`] generates one `#[test]` for each case. It takes an async function that
//! returns a [`Harness`]: the store, and the clock that the store uses.
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
//! Each case calls the function once, inside a tokio runtime with several threads. Stores may share
//! one server: every case uses its own namespace and random ids. Attributes before `mod` apply to
//! every test, as in `#[ignore = "needs a server"] mod my_store, …`.
//!
//! A store that uses the clock of a server is tested with short deadlines, and the cases sleep until
//! these have passed. The cases only compare times that are far apart. Two things are then not
//! tested: the exact millisecond of a deadline, and anything that takes minutes.
//!
//! If the store has a synchronous interface ([`Store::as_sync`](crate::store::Store::as_sync)), the
//! cases use it for half of their calls, and the asynchronous one for the others.
//!
//! [`subject_index_conformance!`] does the same for a store that is a
//! [`SubjectIndex`](crate::store::SubjectIndex), and [`inspect_conformance!`] for one that implements
//! [`Inspect`](crate::store::Inspect).
//!
//! Two cases record what 32 concurrent clients see, and check that it is linearizable. A failure prints a seed and a
//! short history. A store that changes the record and the index in several steps says so with
//! [`Harness::with_index_in_steps`].
//!
//! The cases cannot test that a read-only load writes nothing, the number of round trips, and the
//! behavior when the server fails, restarts or fails over. Authors have to test these themselves.

mod fixture;
mod harness;
mod linearizability;
mod macros;
mod random;
mod run;

pub mod cases;

pub use crate::{inspect_conformance, store_conformance, subject_index_conformance};
pub use fixture::Fixture;
#[cfg(test)]
pub(super) use fixture::{request, set};
pub use harness::Harness;
pub use run::run;
