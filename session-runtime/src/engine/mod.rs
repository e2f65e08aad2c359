//! The way of a request: ask (what does its head say?), open (load or create), the handler,
//! commit (what changed?), emit (what does the response say?).

mod act;
mod apply;
mod ask;
mod commit;
mod emit;
mod load;
mod open;
mod shared;
mod turn;
mod working;

pub use ask::Overrides;
pub(crate) use ask::{Asked, ask, wire};
pub(crate) use emit::Emission;
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) use emit::ReplyHeaders;
#[cfg(feature = "rocket")]
pub(crate) use emit::merge_list;
pub(crate) use load::{LoadCache, Loaded, layered};
pub(crate) use open::{Opened, Purpose, Start, open, open_now, view};
pub(crate) use shared::{Finish, Finishing, Identity, Phase, Shared};
pub(crate) use working::Working;
