//! The items that expanded macros use. Not part of the public API.

#[path = "private/admin_method.rs"]
mod admin_method;
#[path = "private/default_store.rs"]
mod default_store;
#[path = "private/ide.rs"]
pub mod ide;
#[path = "private/store_future.rs"]
mod store_future;

pub use self::default_store::InMemoryConfig;
pub use self::store_future::{adopt_must_be_send, into_adopt, store_must_be_send};
pub use crate::__admin_method as admin_method;
pub use crate::adopt::Adopt;
pub use crate::config::{
    Commit, ConfigCell, ConfigureError, OnConflict, OnEnded, OnMaxSessions, OnReuse, OnStoreError,
    OnUndecodable, Options, Reason, SessionConfig, StartError, TrustedProxy, configure, start,
};
pub use crate::const_check;
pub use crate::data::{Fields, Migrate};
pub use crate::diagnostics::SerializedAsAWhole;
pub use crate::engine::Overrides;
pub use crate::error::Error;
pub use crate::event::Event;
#[cfg(feature = "axum")]
pub use crate::framework::axum::boxed;
pub use crate::framework::expectations;
pub use crate::framework::http;
pub use crate::framework::layer::SessionLayer;
pub use crate::framework::missing_attribute::NeedsSessionAttribute;
#[cfg(feature = "poem-openapi")]
pub use crate::framework::poem::{ApiGuard, ApiReply};
pub use crate::guard::{
    Conversions, Create, CreateLazily, HandlerReply, Inherit, InheritForwarding, Judged, Load,
    Look, LookFallback, Probe, RequiresLogin, SessionGuard, SessionReply, Values, ViaAxum,
    ViaNothing, ViaPoem, examine, has_failed, must_require_login, reply, reply_http, split,
};
#[cfg(debug_assertions)]
pub use crate::instances::handler as compiled_handler;
pub use crate::loader::{CookieSpec, Emit, LoaderSet, RequestHead, SameSite, SidSource};
pub use crate::merge::{MergeInputs, Merged, rule};
#[cfg(feature = "utoipa")]
pub use crate::openapi::SessionResponses;
pub use crate::openapi::{Security, security};
pub use crate::policy::{Policy, policy};
pub use crate::session::LoginAttempt;
pub use crate::sessions::must_know_users;
pub use crate::sessions::{Sessions, begin_login, sessions};
pub use crate::store::BoxError;
pub use crate::store::BoxFuture;
pub use crate::store::MemoryStore;
pub use crate::store::SubjectIndex;
pub use crate::untyped::Untyped;
