//! The way of a request: ask (what does its head say?), open (load or create), the handler,
//! commit (what changed?), emit (what does the response say?).

mod apply;
mod commit;
mod commit_queue;
mod emit;
mod extract;
mod load;
mod open;
mod session_core;
mod tracked_data;
mod verbs;

pub(crate) use emit::Emission;
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use emit::ReplyHeaders;
#[cfg(feature = "rocket")]
pub(crate) use emit::merge_list;
pub use extract::Overrides;
pub(crate) use extract::{RequestContext, extract, loaders};
pub(crate) use load::{LoadCache, Loaded, layered};
pub(crate) use open::{OpenOutcome, OpenedSession, Purpose, open, open_sync, view};
pub(crate) use session_core::{Finalize, FinalizeResult, Identity, Phase, SessionCore};
pub(crate) use tracked_data::TrackedData;
