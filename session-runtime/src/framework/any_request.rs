//! Views in middleware: loads the session of a request of any framework.

use std::future::Future;

use http::Extensions;

use super::scope::scope_of;
use crate::config::SessionConfig;
use crate::engine;
use crate::error::Error;
use crate::guard::Inherit;
use crate::loader::RequestHead;
use crate::view::SessionView;

/// A request in middleware: of plain `http`, actix-web, poem, rocket or salvo.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request that can have a session",
    label = "not a request of `http` or of a framework that is enabled",
    note = "pass the request itself, by reference; a request of actix-web, poem, rocket or salvo needs the feature of that name"
)]
pub trait AnyRequest {
    /// Calls `read` with the head of the request and the scopes that layers and guards have put there.
    #[doc(hidden)]
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T;
}

impl<C: SessionConfig> SessionView<C> {
    /// Loads the session of a request, for middleware. `None` if the request has no live session. The
    /// future does not borrow the request.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`](crate::error::ErrorKind::Ambiguous) and
    /// [`ErrorKind::CrossOrigin`](crate::error::ErrorKind::CrossOrigin) for a request that a
    /// handler would refuse, and the errors of the store.
    pub fn of_request<Q: AnyRequest>(
        request: &Q,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send + use<C, Q> {
        let context = request
            .read(|head, extensions| engine::extract::<C, Inherit>(head, scope_of(extensions)));
        async move {
            let loaded = engine::or_none(engine::view(&context).await)?;
            Ok(loaded.map(|(id, loaded)| Self::found(id, loaded)))
        }
    }
}
