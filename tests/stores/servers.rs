//! Shared servers, servers that a test starts itself, and a proxy.

pub mod cutter;
pub mod process;
pub mod proxy;
#[path = "../shared/servers.rs"]
mod shared;

pub use shared::{unique, url};
