#![doc = include_str!("../README.md")]
//!
//! # Where to read on
//!
//! - [`session`] is the attribute, [`session_config!`] the declaration with every option.
//! - [`Session`] is what a handler gets, [`SessionView`] what everything else may look at.
//! - [`store`] says what a store promises; [`testing`] proves it, and has a fake clock.
//! - [`frameworks`] says what is particular to each framework.
//! - [`problem`] describes every problem type that a client can be answered with.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub use connect_session_macros::{session, session_config};
#[doc(hidden)]
pub use connect_session_runtime::__private;
pub use connect_session_runtime::ProblemBody;
pub use connect_session_runtime::SessionLayer;
#[cfg(feature = "actix-web")]
pub use connect_session_runtime::actix_web::{SessionMiddleware, SessionMiddlewareFuture};
pub use connect_session_runtime::config::{
    Commit, ConfigureError, DefaultConfig, OnConflict, OnEnded, OnStoreError, Options,
    SessionConfig, StartError,
};
pub use connect_session_runtime::data::{EncodeError, SessionData};
pub use connect_session_runtime::error::{Error, ErrorKind};
pub use connect_session_runtime::event::{Event, EventKind};
pub use connect_session_runtime::guard::Rejection;
pub use connect_session_runtime::loader::{CookieSpec, Emit, Loader, RequestHead, SameSite};
#[cfg(feature = "poem")]
pub use connect_session_runtime::poem::SessionEndpoint;
pub use connect_session_runtime::session::Session;
pub use connect_session_runtime::sid::{InvalidSessionId, PresentedSid, SessionId, Sid};
#[cfg(feature = "testing")]
pub use connect_session_runtime::testing;
#[cfg(feature = "tower")]
pub use connect_session_runtime::tower::{SessionFuture, SessionService};
pub use connect_session_runtime::untyped::Untyped;
pub use connect_session_runtime::view::SessionView;

#[doc = include_str!("problem.md")]
pub mod problem {}

#[doc = include_str!("frameworks/mod.md")]
#[doc = include_str!("frameworks/actix_web.md")]
#[doc = include_str!("frameworks/poem.md")]
#[doc = include_str!("frameworks/rocket.md")]
#[doc = include_str!("frameworks/salvo.md")]
#[doc = include_str!("frameworks/tower.md")]
pub mod frameworks {}

mod connect;

pub mod merge {
    //! What the rules of `merge` can be used with.

    pub use connect_session_runtime::merge::Merged;
    pub use connect_session_runtime::merge::rule::{MergeAdd, MergeKeys, MergeOrder, MergeUnion};
}

pub mod store {
    //! Where sessions are kept: the trait, what goes over it, and the stores.

    pub use crate::connect::connect;

    #[cfg(feature = "redis")]
    pub use connect_session_redis::{RedisStore, RedisStoreBuilder, RedisStoreError};
    pub use connect_session_runtime::clock::Clock;
    pub use connect_session_runtime::data::{
        EncodedFields, decode, decode_over_default, encode, same_value,
    };
    pub use connect_session_runtime::patch::{FieldChange, Patch, StoredFields};
    pub use connect_session_runtime::record::{
        Change, CommitId, DataChange, Deadlines, IdentityChange, Key, Lifetime, LoadRequest,
        NewRecord, Record, Renewal, Snapshot, SubjectChange, Transport,
    };
    pub use connect_session_runtime::sid::SecretHash;
    pub use connect_session_runtime::store::{
        AnyStore, BoxError, CommitOutcome, InsertOutcome, Store, StoreError, SyncStore,
    };
    pub use connect_session_runtime::store::{MemoryStore, MemoryStoreBuilder};
    pub use connect_session_runtime::timestamp::Timestamp;
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
