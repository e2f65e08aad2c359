//! Helpers for the cases.

pub mod body;
pub mod cases;
pub mod client;
mod edit;
pub mod events;
pub mod jar;
pub mod overlap;
pub mod raw;
pub mod script;
pub mod session;
pub mod signal;
pub mod untyped;
