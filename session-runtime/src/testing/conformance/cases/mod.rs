//! The cases. Each is a promise of [`Store`](crate::store::Store), which its text says.
#![allow(
    clippy::future_not_send,
    reason = "a case runs on the runtime that `run` makes, and is not moved"
)]

mod commits;
mod deadlines;
mod ends;
mod identity;
mod limits;
mod races;
mod records;
mod renewal;

pub use commits::*;
pub use deadlines::*;
pub use ends::*;
pub use identity::*;
pub use limits::*;
pub use races::*;
pub use records::*;
pub use renewal::*;
