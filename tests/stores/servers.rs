//! Servers: those that are given, those that a test starts itself, and what stands before one.

pub mod process;
pub mod proxy;
#[path = "../shared/servers.rs"]
mod shared;

pub use shared::{unique, url};
