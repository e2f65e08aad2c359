//! The future that builds a config's store.

use crate::store::{BoxError, BoxFuture};

/// Boxes the future of a declared store. Its name is part of the error for one that is not `Send`.
pub fn store_must_be_send<S>(
    future: impl Future<Output = Result<S, BoxError>> + Send + 'static,
) -> BoxFuture<'static, Result<S, BoxError>> {
    Box::pin(future)
}
