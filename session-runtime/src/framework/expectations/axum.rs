//! What axum expects.
//!
//! An argument may be an extractor for one type of state only, which a handler does not name. So it is
//! refused only if its type would be an extractor for any state with another parameter.

use axum::extract::{FromRequest, FromRequestParts};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::probe::{Anywhere, Argument, Plain, Taken, TooEarly};

/// A type that a handler can return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "axum cannot make a response of this",
    note = "return a type with `IntoResponse`: data as `Json(…)`, a number as text, an error of your own with an `impl IntoResponse`"
)]
pub trait Response<M> {}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse> Response<()> for T {}

/// An error that a handler can return in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "axum cannot make a response of this error",
    note = "implement `IntoResponse` for an error type of your own, with `From<…>` for `?`; a `Box<dyn Error>` needs one around it"
)]
pub trait ErrorResponse<M> {}

#[diagnostic::do_not_recommend]
impl<E> ErrorResponse<()> for E where Result<(), E>: IntoResponse {}

/// The state of a program that has no extractors of its own.
#[derive(Debug, Clone, Copy)]
pub struct AnyState;

/// The verdict on an argument that is extracted from the head of any request.
#[derive(Debug)]
pub struct FromHead;

impl<T: FromRequestParts<AnyState>> Taken<FromHead> for T {}

/// The verdict on an argument that is extracted from the body of any request.
#[derive(Debug)]
pub struct FromBody;

impl<T: FromRequest<AnyState>> Taken<FromBody> for T {}

/// An argument such as `Query<Page>`: since `Query<()>` is extracted from the head with any state, it is
/// only for its `Page` if this one is not.
pub trait LikeHead {
    /// The verdict.
    fn kind(&self) -> FromHead {
        FromHead
    }
}

impl<T, Like: FromRequestParts<AnyState>> LikeHead for &&Argument<T, Like> {}

/// The same for the body, such as `Json<Item>`.
pub trait LikeBody {
    /// The verdict.
    fn kind(&self) -> FromBody {
        FromBody
    }
}

impl<T, Like: FromRequest<AnyState>> LikeBody for &Argument<T, Like> {}

/// An argument of a type that is never an extractor.
pub trait KnownType {
    /// The verdict.
    fn kind(&self) -> Never {
        Never
    }
}

/// The verdict on it.
#[derive(Debug)]
pub struct Never;

macro_rules! never_extracted {
    ($($ty:ty),*) => {
        $(impl KnownType for &&&Argument<$ty, Plain> {})*
    };
}

never_extracted!(bool, char, f32, f64, i8, i16, i32, i64, i128, isize);
never_extracted!(u8, u16, u32, u64, u128, usize, &str, uuid::Uuid);

/// An argument that consumes the body of the request.
pub trait ConsumesBody {
    /// The verdict.
    fn order(&self) -> TooEarly {
        TooEarly
    }
}

impl<T: FromRequest<AnyState>, Following> ConsumesBody for &Argument<T, Following> {}

/// An argument after which nothing is extracted.
pub trait BeforeNext {
    /// The verdict.
    fn order(&self) -> Anywhere {
        Anywhere
    }
}

impl<T> BeforeNext for &&Argument<T, Next> {}
