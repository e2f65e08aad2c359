//! What the macros expand to; no part of the public interface.

#[path = "private/ide.rs"]
pub mod ide;
#[path = "private/in_memory.rs"]
mod in_memory;

pub use self::in_memory::InMemoryConfig;
pub use crate::__require_framework as require_framework;
pub use crate::check;
pub use crate::config::{
    CommitOn, ConfigCell, ConfigureError, OnConflict, OnGone, OnStoreError, Options, SessionConfig,
    StartError, configure, start,
};
pub use crate::engine::Overrides;
pub use crate::event::Event;
pub use crate::framework::http;
pub use crate::framework::layer::SessionLayer;
pub use crate::framework::unattributed::NeedsSessionAttribute;
pub use crate::guard::{
    Create, Inherit, Load, SessionGuard, SessionReply, Verdict, ViaOther, ViaResult, finish, split,
};
pub use crate::loader::{CookieSpec, Emit, Loader, RequestHead, SameSite, Wire};
pub use crate::merge::{Merged, Three, rule};
pub use crate::store::BoxError;
pub use crate::store::MemoryStore;
pub use crate::unsent::AnswersWithItsData;
pub use crate::untyped::Untyped;

/// Where no framework is enabled, a handler that is not plain `http` has nothing to fit.
#[doc(hidden)]
#[cfg(any(
    feature = "actix-web",
    feature = "axum",
    feature = "poem",
    feature = "rocket",
    feature = "salvo"
))]
#[macro_export]
macro_rules! __require_framework {
    () => {};
}

/// Where no framework is enabled, a handler that is not plain `http` has nothing to fit.
#[doc(hidden)]
#[cfg(not(any(
    feature = "actix-web",
    feature = "axum",
    feature = "poem",
    feature = "rocket",
    feature = "salvo"
)))]
#[macro_export]
macro_rules! __require_framework {
    () => {
        ::core::compile_error!(
            "no framework of connect-session is enabled: add its feature, such as `axum`, or write \
             `#[session(…, http)]` for a handler of `http::Request`"
        );
    };
}
