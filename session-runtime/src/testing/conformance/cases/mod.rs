//! The cases. Each tests a requirement of [`Store`](crate::store::Store).
#![allow(clippy::future_not_send, reason = "`run` polls a case on one thread")]

mod commits;
mod deadlines;
mod ends;
mod first_use;
mod histories;
mod identity;
mod index_model;
mod inspection;
mod limits;
mod races;
mod records;
mod renewal;
mod session_limits;
mod subject_ends;
mod subjects;
mod tombstones;
mod versions;

pub use commits::*;
pub use deadlines::*;
pub use ends::*;
pub use first_use::*;
pub use histories::*;
pub use identity::*;
pub use index_model::*;
pub use inspection::*;
pub use limits::*;
pub use races::*;
pub use records::*;
pub use renewal::*;
pub use session_limits::*;
pub use subject_ends::*;
pub use subjects::*;
pub use tombstones::*;
pub use versions::*;
