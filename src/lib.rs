#![doc = include_str!("../README.md")]
//!
//! # In this documentation
//!
//! - [`guide`] builds things, from the first session to a deployment: start there.
//! - [`session`](macro@session) is the attribute; [`session_config!`] declares a config and lists every option.
//! - [`Session`] is the argument of a handler; [`SessionView`] gives read access elsewhere.
//! - [`store`] has the stores, and the rules for writing one. The module `testing`, behind the feature of
//!   that name, checks them, and has a client for tests of handlers.
//! - [`mod@adopt`] takes over the sessions of another library, so that a migration logs nobody out.
//! - [`frameworks`] describes the differences between frameworks.
//! - [`monitoring`] lists the events and metrics, with a dashboard.
//! - [`openapi`] puts sessions into OpenAPI documents.
//! - The module `admin`, behind the feature of that name, is a page and an API for administrators.
//! - [`problem`] describes every problem type that a client can receive.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub use connect_session_macros::{session, session_config};
#[doc(hidden)]
pub use connect_session_runtime::__private;
pub use connect_session_runtime::ProblemBody;
pub use connect_session_runtime::SessionLayer;
#[cfg(feature = "actix-web")]
pub use connect_session_runtime::actix_web::{SessionMiddleware, SessionMiddlewareFuture};
pub use connect_session_runtime::config::{
    Commit, ConfigureError, DefaultConfig, OnConflict, OnEnded, OnMaxSessions, OnReuse,
    OnStoreError, OnUndecodable, Options, Reason, SessionConfig, StartError, TrustedProxy,
};
pub use connect_session_runtime::data::{EncodeError, Fields, SessionData};
pub use connect_session_runtime::error::{Error, ErrorKind};
#[cfg(feature = "metrics")]
pub use connect_session_runtime::event::describe_metrics;
pub use connect_session_runtime::event::{Event, EventKind};
pub use connect_session_runtime::guard::Rejection;
pub use connect_session_runtime::loader::{CookieSpec, Emit, RequestHead, SameSite, SidSource};
#[cfg(feature = "poem")]
pub use connect_session_runtime::poem::SessionEndpoint;
pub use connect_session_runtime::policy::Policy;
pub use connect_session_runtime::session::{LoggedIn, LoginAs, LoginAttempt, Session};
pub use connect_session_runtime::sessions::{Sessions, UserSessions};
pub use connect_session_runtime::sid::{InvalidSessionId, PresentedSid, SessionId, Sid};
#[cfg(feature = "testing")]
pub use connect_session_runtime::testing;
#[cfg(feature = "tower")]
pub use connect_session_runtime::tower::{SessionFuture, SessionService};
pub use connect_session_runtime::untyped::Untyped;
pub use connect_session_runtime::view::SessionView;

#[cfg(feature = "admin")]
pub use connect_session_runtime::admin;

#[doc = include_str!("problem.md")]
pub mod problem {}

#[doc = include_str!("monitoring.md")]
pub mod monitoring {}

#[doc = include_str!("frameworks/mod.md")]
#[doc = include_str!("frameworks/axum.md")]
#[doc = include_str!("frameworks/actix_web.md")]
#[doc = include_str!("frameworks/poem.md")]
#[doc = include_str!("frameworks/rocket.md")]
#[doc = include_str!("frameworks/salvo.md")]
#[doc = include_str!("frameworks/tower.md")]
pub mod frameworks {}

pub mod adopt {
    #![doc = include_str!("adopt.md")]

    #[cfg(feature = "actix-session")]
    pub use connect_session_redis::ActixSessions;
    #[cfg(feature = "express-session")]
    pub use connect_session_redis::ExpressSessions;
    #[cfg(all(feature = "axum-session", feature = "redis"))]
    pub use connect_session_redis::RedisRecords;
    pub use connect_session_runtime::adopt::{
        Adopt, Adopted, IntoAdopt, OldCookie, OldSessions, OldSid, RequestHeaders,
    };
    #[cfg(feature = "axum-session")]
    pub use connect_session_runtime::adopt::{AxumRecords, AxumSessions};
    #[cfg(all(
        feature = "axum-session",
        any(feature = "mysql", feature = "postgres", feature = "sqlite")
    ))]
    pub use connect_session_sqlx::SqlRecords;
    #[cfg(feature = "tower-sessions")]
    pub use connect_session_tower::TowerSessions;
}

mod connect;

pub mod guide;

pub mod merge {
    //! Types that the rules of `merge` apply to.

    pub use connect_session_runtime::merge::Merged;
    pub use connect_session_runtime::merge::rule::{MergeAdd, MergeKeys, MergeOrder, MergeUnion};
}

pub mod openapi {
    #![doc = include_str!("openapi.md")]

    #[cfg(feature = "aide")]
    pub use connect_session_runtime::openapi::aide_security;
    #[cfg(feature = "poem-openapi")]
    #[doc(inline)]
    pub use connect_session_runtime::openapi::poem;
    pub use connect_session_runtime::openapi::{Described, Security};
    #[cfg(feature = "utoipa")]
    pub use connect_session_runtime::openapi::{SessionResponses, UtoipaSecurity};
}

pub mod store {
    //! Session stores: the trait [`Store`], the types of its methods, and the stores.

    pub use crate::connect::connect;

    #[cfg(feature = "redis")]
    pub use connect_session_redis::{RedisStore, RedisStoreBuilder, RedisStoreError};
    pub use connect_session_runtime::clock::Clock;
    pub use connect_session_runtime::data::{
        DataFormat, DecodeError, EncodedFields, FieldCipher, FieldPlace, MAX_DEPTH, Migrate,
        decode, decode_fields, decode_over_default, depth, encode, same_value,
    };
    pub use connect_session_runtime::record::{
        Change, CommitId, DataChange, Deadlines, IdentityChange, Key, LONGEST_SUBJECT, Lifetime,
        LoadRequest, Login, LoginChange, NewLogin, NewRecord, Record, Renewal, RevocationMark,
        SessionLimit, Snapshot, SubjectKey, Transport,
    };
    pub use connect_session_runtime::sid::SecretHash;
    pub use connect_session_runtime::store::{
        AnyStore, BoxError, BoxFuture, CommitOutcome, InsertOutcome, Inspect, Inspected,
        InvalidListCursor, ListCursor, ListPage, Listed, LiveCount, LoadOutcome, LoginRefusal,
        Store, StoreError, SubjectIndex, SyncStore,
    };
    pub use connect_session_runtime::store::{MemoryStore, MemoryStoreBuilder};
    pub use connect_session_runtime::timestamp::Timestamp;
    pub use connect_session_runtime::versions::Versioned;
    #[cfg(feature = "sealed")]
    pub use connect_session_sealed::{InvalidSealingKeys, Sealed, SealingKeys};
    #[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
    pub use connect_session_sqlx::ConnectBuilder;
    #[cfg(feature = "mysql")]
    pub use connect_session_sqlx::MySqlStore;
    #[cfg(feature = "postgres")]
    pub use connect_session_sqlx::PostgresStore;
    #[cfg(feature = "sqlite")]
    pub use connect_session_sqlx::SqliteStore;
    #[cfg(feature = "tower-sessions")]
    pub use connect_session_tower::TowerStore;
}
