//! What poem expects. It reports an argument that is not an extractor at the argument itself.

use poem::IntoResponse;
use poem::error::IntoResult;

/// A type that a handler can return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "poem cannot make a response of this",
    note = "return a type with `IntoResponse`: data as `Json(…)`, a number as text"
)]
pub trait Response<M> {}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse, R: IntoResult<T>> Response<T> for R {}

/// An error that a handler can return in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "poem cannot make a response of this error",
    note = "implement `std::error::Error` and poem's `ResponseError` for an error type of your own"
)]
pub trait ErrorResponse<M> {}

#[diagnostic::do_not_recommend]
impl<E> ErrorResponse<()> for E where Result<(), E>: IntoResult<()> {}
