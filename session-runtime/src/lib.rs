//! The runtime of connect-session; use the `connect-session` crate.

pub mod data;
pub mod record;
pub mod sid;
pub mod store;
pub mod untyped;
