//! What actix-web expects.

use actix_web::{FromRequest, HttpResponse, Responder};

use super::probe::{Argument, Taken};

/// A type that a handler can return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "actix-web cannot make a response of this",
    note = "return a type with `Responder`: data as `web::Json(…)`, a number as text, or an `HttpResponse`"
)]
pub trait Response<M> {}

#[diagnostic::do_not_recommend]
impl<T: Responder> Response<()> for T {}

/// An error that a handler can return in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "actix-web cannot make a response of this error",
    note = "implement `ResponseError` for an error type of your own"
)]
pub trait ErrorResponse<M> {}

#[diagnostic::do_not_recommend]
impl<E> ErrorResponse<()> for E where Result<HttpResponse, E>: Responder {}

/// The verdict on every argument: extractors do not depend on the program's state.
#[derive(Debug)]
pub struct FromRequestOnly;

#[diagnostic::do_not_recommend]
impl<T: FromRequest> Taken<FromRequestOnly> for T {}

/// Any argument.
pub trait LikeHead {
    /// The verdict.
    fn kind(&self) -> FromRequestOnly {
        FromRequestOnly
    }
}

impl<T, Like> LikeHead for &&Argument<T, Like> {}
