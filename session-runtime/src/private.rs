//! What the macros expand to; no part of the public interface.

#[path = "private/ide.rs"]
pub mod ide;
#[path = "private/in_memory.rs"]
mod in_memory;

pub use self::in_memory::InMemoryConfig;
pub use crate::check;
pub use crate::config::{
    CommitOn, ConfigCell, ConfigureError, OnConflict, OnGone, OnStoreError, Options, SessionConfig,
    StartError, configure, start,
};
pub use crate::engine::Overrides;
pub use crate::framework::http;
#[cfg(feature = "tower")]
pub use crate::framework::layer::SessionLayer;
#[cfg(feature = "axum")]
pub use crate::framework::unattributed::NeedsSessionAttribute;
pub use crate::guard::{
    Create, Inherit, Load, SessionGuard, SessionReply, Verdict, ViaOther, ViaResult, finish, split,
};
pub use crate::loader::{CookieSpec, Emit, Loader, RequestHead, SameSite, Wire};
pub use crate::merge::{Merged, Three, rule};
pub use crate::store::BoxError;
pub use crate::store::MemoryStore;
pub use crate::untyped::Untyped;
pub use crate::{__require_framework as require_framework, __with_layer as with_layer};

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

/// Keeps what an expansion says of layers; without the feature `tower` there are none.
#[doc(hidden)]
#[cfg(feature = "tower")]
#[macro_export]
macro_rules! __with_layer {
    ($($item:tt)*) => { $($item)* };
}

/// Keeps what an expansion says of layers; without the feature `tower` there are none.
#[doc(hidden)]
#[cfg(not(feature = "tower"))]
#[macro_export]
macro_rules! __with_layer {
    ($($item:tt)*) => {};
}
