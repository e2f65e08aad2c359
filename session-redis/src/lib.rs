//! The store on Redis and Valkey.
//!
//! Each verb is a script on one key, and so one atomic step in one round trip. The server's clock
//! decides, and its own expiry forgets what has ended. The driver is `redis`: the maintained client
//! with the most users, whose plain connection sends a command once, which is what this needs most
//! (what sends again after a lost connection may do a change twice).

mod address;
mod arguments;
mod builder;
mod check;
mod cluster;
mod connection;
mod endpoints;
mod error;
mod failure;
mod node;
mod open_connection;
mod probe;
mod remedy;
mod reply;
mod script;
mod servers;
mod slots;
mod store;
mod timeouts;
mod url;

pub use self::builder::RedisStoreBuilder;
pub use self::error::RedisStoreError;
pub use self::store::RedisStore;
