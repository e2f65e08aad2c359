//! One small file a framework. An adapter shows a request's head, hands the guard over, and writes
//! the reply; it decides nothing.

#[cfg(feature = "axum")]
mod axum;
pub mod http;
#[cfg(feature = "tower")]
pub mod layer;
#[cfg(feature = "axum")]
pub(crate) mod unattributed;
