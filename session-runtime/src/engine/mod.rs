//! The steps of a request: `extract` reads its head, `open` loads or creates the session, the
//! handler runs, `commit` writes what changed, and `emit` sets the headers of the response.

mod apply;
mod cache_control;
mod commit;
mod commit_queue;
mod emit;
mod extract;
mod load;
mod open;
mod pending;
mod request_scope;
mod session_core;
mod tracked_data;
mod verbs;

pub(crate) use emit::Emission;
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use emit::ReplyHeaders;
pub use extract::Overrides;
pub(crate) use extract::{RequestContext, extract, loaders};
pub(crate) use load::Loaded;
pub(crate) use open::{OpenOutcome, OpenedSession, Purpose, open, open_sync, view};
pub(crate) use pending::{GuardIndex, Identity};
pub(crate) use request_scope::{RequestScope, any_scoped, finish_without_session};
pub(crate) use session_core::{
    CommitResult, FailedCommit, Finalize, FinalizeResult, Phase, SessionCore,
};
pub(crate) use tracked_data::TrackedData;
