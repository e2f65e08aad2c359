//! A handler with the default config, so that a debug build of this crate contains the code of one.
//!
//! Generic code is compiled in the crate that uses it, unless a crate below it already contains the same instance. In a
//! user's crate, what drops the types of this crate is compiled anew after each change of a handler. With this module, only what
//! depends on the user's own types is compiled there, and with the default config next to nothing. An optimized
//! build shares no instances.

use ::http::Request;

use crate::config::DefaultConfig;
use crate::guard::{self, Conversions, HandlerReply, Inherit, Load, Rejection, SessionGuard};
use crate::session::Session;
use crate::store::BoxFuture;

use super::http;

/// What the expansion of a handler does.
pub fn handler(
    mut request: Request<()>,
) -> BoxFuture<'static, Result<HandlerReply<String>, Rejection>> {
    Box::pin(async move {
        let guard: SessionGuard<Session<DefaultConfig>, Load, Inherit> =
            http::open(&mut request).await?;
        let (mut session, committer) = guard::split(guard);
        session.clear();
        drop(session);
        let conversions = |_: &_| Conversions {
            axum: None,
            poem: None,
        };
        Ok(guard::reply(String::new(), false, committer, conversions))
    })
}
