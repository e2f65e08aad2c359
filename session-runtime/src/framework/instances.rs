//! A handler with the default config, so that a debug build of this crate contains the code of one.
//!
//! Unless a crate below already contains the same instance of generic code, the crate that uses it compiles its own. In a
//! user's crate, all code that drops values is in one unit, which is compiled anew after each change of a handler. With this
//! module, that is only what contains the user's own types, and hardly anything with the default config. An
//! optimized build shares no instances.

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
