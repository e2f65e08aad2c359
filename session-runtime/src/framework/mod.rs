//! The adapters, one file per framework. An adapter reads the head of a request, extracts the guard,
//! and writes the reply. It makes no decisions.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "axum")]
mod axum;
pub mod http;
pub(crate) mod layer;
pub(crate) mod missing_attribute;
#[cfg(feature = "poem")]
pub mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;
#[cfg(feature = "tower")]
pub mod tower;
