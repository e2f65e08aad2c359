//! The runtime of connect-session; use the `connect-session` crate.
//!
//! The way of a request: a framework adapter shows its head (`framework`), the guard around the
//! handler (`guard`) has the engine load or create the session (`engine`), the handler gets it
//! (`session`), and the guard commits what changed to the store (`store`).

pub mod check;
#[cfg(feature = "memory")]
pub mod clock;
pub mod config;
pub mod data;
mod engine;
pub mod error;
pub mod event;
mod framework;
pub mod guard;
pub mod loader;
pub mod merge;
pub mod record;
pub mod rules;
pub mod session;
pub mod sid;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod untyped;
pub mod view;

#[cfg(feature = "tower")]
pub use framework::layer;
pub use framework::http::ProblemBody;

/// What the macros expand to; no part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::check;
    pub use crate::config::{
        CommitOn, ConfigCell, ConfigureError, OnConflict, OnGone, OnStoreError, Options,
        SessionConfig, StartError, configure, start,
    };
    pub use crate::engine::Overrides;
    pub use crate::__require_framework as require_framework;
    pub use crate::framework::http;
    #[cfg(feature = "axum")]
    pub use crate::framework::unattributed::NeedsSessionAttribute;
    #[cfg(feature = "tower")]
    pub use crate::framework::layer::SessionLayer;
    pub use crate::guard::{
        Create, Inherit, Load, SessionGuard, SessionReply, Verdict, ViaOther, ViaResult, finish, split,
    };
    pub use crate::loader::{CookieSpec, Emit, Loader, RequestHead, SameSite, Wire};
    pub use crate::merge::{Merged, Three, rule};
    pub use crate::store::BoxError;
    #[cfg(feature = "memory")]
    pub use crate::store::MemoryStore;
    pub use crate::untyped::Untyped;
}

/// Where no framework is enabled, a handler that is not plain `http` has nothing to fit.
#[doc(hidden)]
#[cfg(feature = "axum")]
#[macro_export]
macro_rules! __require_framework {
    () => {};
}

/// Where no framework is enabled, a handler that is not plain `http` has nothing to fit.
#[doc(hidden)]
#[cfg(not(feature = "axum"))]
#[macro_export]
macro_rules! __require_framework {
    () => {
        ::core::compile_error!(
            "no framework of connect-session is enabled: add its feature, such as `axum`, or write \
             `#[session(…, http)]` for a handler of `http::Request`"
        );
    };
}
