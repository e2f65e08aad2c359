//! The futures that connect a config to its stores.

use crate::adopt::{Adopt, IntoAdopt};
use crate::store::{BoxError, BoxFuture};

/// Boxes the future of a declared store. Its name is part of the error for one that is not `Send`.
pub fn store_must_be_send<S>(
    future: impl Future<Output = Result<S, BoxError>> + Send + 'static,
) -> BoxFuture<'static, Result<S, BoxError>> {
    Box::pin(future)
}

/// The same for the old sessions that a config adopts.
pub fn adopt_must_be_send<D: 'static>(
    future: impl Future<Output = Result<Adopt<D>, BoxError>> + Send + 'static,
) -> BoxFuture<'static, Result<Adopt<D>, BoxError>> {
    Box::pin(future)
}

/// Checks the type of the value of `adopt`.
pub fn into_adopt<D>(value: impl IntoAdopt<D>) -> Adopt<D> {
    value.into_adopt()
}
