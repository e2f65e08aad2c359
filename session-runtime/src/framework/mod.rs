//! The adapters, one module per framework. An adapter reads the head of a request, extracts the guard,
//! and writes the reply. It makes no decisions.

#[cfg(feature = "actix-web")]
pub mod actix_web;
pub(crate) mod any_request;
#[cfg(feature = "axum")]
pub(crate) mod axum;
pub mod expectations;
pub mod http;
pub(crate) mod http_head;
pub(crate) mod layer;
pub(crate) mod missing_attribute;
#[cfg(feature = "poem")]
pub mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;
pub(crate) mod scope;
#[cfg(feature = "tower")]
pub mod tower;
