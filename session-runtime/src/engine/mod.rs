//! The way of a request: ask (what does its head say?), open (load or create), the handler,
//! commit (what changed?), emit (what does the response say?).

mod ask;
mod commit;
mod emit;
mod open;
mod shared;
mod turn;

pub use ask::Overrides;
pub(crate) use ask::{Asked, ask};
pub(crate) use emit::Emission;
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use emit::ReplyHeaders;
#[cfg(feature = "rocket")]
pub(crate) use emit::merge_list;
pub(crate) use open::{LoadCache, Opened, Purpose, open, view};
pub(crate) use shared::{Finish, Identity, Phase, Shared, Working};
