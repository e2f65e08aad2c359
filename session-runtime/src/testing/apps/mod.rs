//! Applications of each framework, for the client.

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "tower")]
mod http;
#[cfg(feature = "poem")]
pub mod poem;
#[cfg(feature = "rocket")]
pub mod rocket;
#[cfg(feature = "salvo")]
pub mod salvo;

#[cfg(feature = "tower")]
pub use self::http::{HttpApp, client};
