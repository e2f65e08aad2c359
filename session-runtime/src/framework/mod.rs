//! One small file a framework. An adapter shows a request's head, hands the guard over, and writes
//! the reply; it decides nothing.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "axum")]
mod axum;
pub mod http;
pub(crate) mod layer;
#[cfg(feature = "poem")]
pub mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;
#[cfg(feature = "tower")]
pub mod tower;
pub(crate) mod unattributed;
