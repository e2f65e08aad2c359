//! What salvo expects. It reports an argument that is not an extractor at the argument itself.

use salvo_core::Writer;

/// A type that a handler can return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "salvo cannot make a response of this",
    note = "return a type with `Writer` or `Scribe`: data as `Json(…)`, a number as text"
)]
pub trait Response<M> {}

#[diagnostic::do_not_recommend]
impl<T: Writer + Send> Response<()> for T {}

/// An error that a handler can return in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "salvo cannot make a response of this error",
    note = "implement `Writer` or `Scribe` for an error type of your own"
)]
pub trait ErrorResponse<M> {}

#[diagnostic::do_not_recommend]
impl<E> ErrorResponse<()> for E where Result<(), E>: Writer {}
