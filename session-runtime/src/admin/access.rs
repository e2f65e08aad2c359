//! Who may use the admin page.

use std::future::Future;

use http::Request;

use crate::store::{BoxError, BoxFuture};

/// What a caller of the admin page may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the caller gets a 403.
    Denied,
    /// See sessions.
    Read,
    /// See sessions, and end them.
    ReadAndEnd,
}

/// Decides what a caller may do: an async function that takes the head of the request.
///
/// It returns `Err` if it cannot decide, for instance because a database does not answer. The caller then gets a
/// 503, and an event has the error.
///
/// ```
/// use connect_session::admin::Access;
/// use connect_session::{Error, SessionView, session_config};
/// use http::Request;
///
/// session_config! {
///     /// The sessions of the staff, on a host of their own.
///     struct Staff { loaders: [cookie("__Host-staff")] }
/// }
///
/// async fn administrators(head: Request<()>) -> Result<Access, Error> {
///     let session = SessionView::<Staff>::of_request(&head).await?;
///     Ok(match session.as_ref().and_then(SessionView::subject) {
///         Some("ada") => Access::ReadAndEnd,
///         Some(_) => Access::Read,
///         None => Access::Denied,
///     })
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who may use the admin page",
    label = "not an async function of the head of a request",
    note = "write `async fn authorize(head: http::Request<()>) -> Result<Access, E>`, where `E` converts into a boxed error"
)]
pub trait Authorize: Send + Sync + 'static {
    /// Decides about one request.
    ///
    /// # Errors
    /// If it cannot decide.
    fn authorize(&self, head: Request<()>) -> BoxFuture<'static, Result<Access, BoxError>>;
}

#[diagnostic::do_not_recommend]
impl<A, F, E> Authorize for A
where
    A: Fn(Request<()>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Access, E>> + Send + 'static,
    E: Into<BoxError>,
{
    fn authorize(&self, head: Request<()>) -> BoxFuture<'static, Result<Access, BoxError>> {
        let decision = self(head);
        Box::pin(async move { decision.await.map_err(Into::into) })
    }
}
