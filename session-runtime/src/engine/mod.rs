//! The steps of a request: `extract` reads its head, `open` loads or creates the session, the
//! handler runs, `commit` writes what changed, and `emit` sets the headers of the response.

mod addressed;
mod adopt;
mod apply;
mod cache_control;
mod commit;
mod commit_queue;
mod cross_origin;
mod emit;
mod ending;
mod extract;
mod guards;
mod latest;
mod limits;
mod load;
mod merging;
mod open;
mod open_plan;
mod opened;
mod operations;
mod repair;
mod reply_headers;
mod request_scope;
mod reuse;
mod session_core;
mod session_headers;
mod set_cookie;
mod sid_target;
mod tracked_data;
mod view;
mod wait;
mod without_session;

pub(crate) use commit::{CommitProgress, CommitResult, Committable, FailedCommit};
pub(crate) use cross_origin::CrossOrigin;
pub use extract::Overrides;
pub(crate) use extract::{RequestContext, extract, loaders};
pub(crate) use guards::{Creation, GuardIndex, SidChange};
pub(crate) use load::{Loaded, or_none};
pub(crate) use open::{OpenOutcome, open, open_sync};
pub(crate) use open_plan::Purpose;
pub(crate) use opened::OpenedSession;
pub(crate) use repair::Repair;
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use reply_headers::{ReplyHeaders, for_shared_caches};
pub(crate) use request_scope::{RequestScope, any_scope_created};
pub(crate) use session_core::{Phase, SessionCore};
pub(crate) use session_headers::SessionHeaders;
pub(crate) use sid_target::SidTarget;
pub(crate) use tracked_data::TrackedData;
pub(crate) use view::view;
pub(crate) use without_session::commit_without_session;
