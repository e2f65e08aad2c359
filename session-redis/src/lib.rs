//! [`RedisStore`]: stores sessions in Redis or Valkey.
//!
//! Applications use it as `connect_session::store::RedisStore`, with the feature `redis` of
//! `connect-session`.
//!
//! A session is one string. Reading it is a `GET` and creating it a `SET`; only what has to be decided
//! by the server is a script. The server's clock decides which sessions have ended, and the server's
//! key expiry removes them. The driver is the crate
//! `redis`, used without its automatic retries: a client that resends a command after a lost
//! connection may apply a change twice.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
#[cfg(feature = "_adopt")]
mod adopt;
mod arguments;
mod base;
mod builder;
mod check;
mod clock;
mod cluster;
mod connection;
mod endpoints;
mod error;
mod failure;
mod fields;
#[cfg(test)]
mod fixtures;
mod header;
mod inspect;
mod key;
mod load;
mod local;
mod login;
mod login_on_cluster;
mod login_section;
mod member;
mod node;
mod numbers;
mod open_connection;
mod probe;
mod reader;
mod remedy;
mod replacement;
mod reply;
mod script;
mod servers;
mod slots;
mod store;
mod stored;
mod subject_index;
mod timeouts;
mod url;

#[cfg(feature = "actix-session")]
pub use self::adopt::ActixSessions;
#[cfg(feature = "express-session")]
pub use self::adopt::ExpressSessions;
#[cfg(feature = "axum-session")]
pub use self::adopt::RedisRecords;
pub use self::builder::RedisStoreBuilder;
pub use self::error::RedisStoreError;
pub use self::store::RedisStore;
