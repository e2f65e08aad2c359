//! A handler with the default config, so that a debug build of this crate contains compiled code of it.
//!
//! A crate compiles the generic functions that it uses, unless a dependency contains the same instances. The compiler puts all
//! code of a crate that drops values into one unit, and compiles this unit again after each change of a handler. With this
//! module, the unit of a user's crate only contains instances with types of the user. An optimized build does not share
//! instances.

use ::http::Request;

use crate::config::DefaultConfig;
use crate::framework::http;
use crate::guard::{self, Conversions, HandlerReply, Inherit, Load, Rejection, SessionGuard};
use crate::session::Session;
use crate::store::BoxFuture;

/// Makes the same calls as the expansion of `#[session(load)]`.
pub fn handler(
    mut request: Request<()>,
) -> BoxFuture<'static, Result<HandlerReply<String>, Rejection>> {
    Box::pin(async move {
        let guard: SessionGuard<Session<DefaultConfig>, Load, Inherit> =
            http::open(&mut request).await?;
        let (mut session, committer) = guard::split(guard);
        session.clear();
        drop(session);
        let conversions = Conversions {
            axum: None,
            poem: None,
        };
        Ok(guard::reply(String::new(), false, committer, &conversions))
    })
}
