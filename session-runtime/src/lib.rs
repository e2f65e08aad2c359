//! The runtime of connect-session; use the `connect-session` crate.
//!
//! The path of a request: a framework adapter reads its head (`framework`), the guard around the
//! handler (`guard`) lets the engine load or create the session (`engine`), the handler receives it
//! (`session`), and the guard commits the changes to the store (`store`).

#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(
    clippy::manual_async_fn,
    reason = "an `async fn` stores its arguments twice in its future, which every request allocates and moves"
)]

#[cfg(feature = "admin")]
pub mod admin;
pub mod adopt;
pub mod clock;
pub mod config;
pub mod const_check;
pub mod data;
mod diagnostics;
mod engine;
pub mod error;
mod error_chain;
pub mod event;
mod fields;
mod framework;
pub mod guard;
#[cfg(debug_assertions)]
mod instances;
pub mod loader;
pub mod merge;
pub mod openapi;
pub mod policy;
pub mod printable;
mod random;
pub mod record;
pub mod server_url;
pub mod session;
pub mod sessions;
pub mod sid;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
#[cfg(debug_assertions)]
mod unsaved;
pub mod untyped;
pub mod versions;
pub mod view;
mod yield_now;

#[cfg(feature = "actix-web")]
pub use framework::actix_web;
pub use framework::http::ProblemBody;
pub use framework::layer::SessionLayer;
#[cfg(feature = "poem")]
pub use framework::poem;
#[cfg(feature = "tower")]
pub use framework::tower;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
