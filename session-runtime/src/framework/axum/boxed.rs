//! A handler in a debug build of an application on axum: a function that returns a boxed future.
//!
//! axum has generic code that rustc compiles for each type of a handler's future, and again after an edit of the handler. All
//! boxed futures with the same value have one type, so this code stays as it is. What follows the user's function is compiled
//! once for each type of a value.
//!
//! The response is made here, so the route accepts a handler whatever its value is. The expansion reports a value that is no
//! response at its type; axum does not report it again at the route.

use std::future::Future;
use std::marker::PhantomData;

use axum::response::{IntoResponse, Response};

use crate::guard::{Committer, Conversions, Convert, HandlerReply, reply, unknown_status};
use crate::store::BoxFuture;

/// The future of a boxed handler.
pub type Responding<R> = BoxFuture<'static, Responded<R>>;

/// The response that was made from a value of the type `R`.
#[derive(Debug)]
pub struct Responded<R> {
    response: Response,
    value: PhantomData<fn() -> R>,
}

impl<R> IntoResponse for Responded<R> {
    fn into_response(self) -> Response {
        self.response
    }
}

/// Boxes the future of the user's function.
pub fn handler_must_be_send<F: Future + Send + 'static>(
    future: F,
) -> BoxFuture<'static, F::Output> {
    Box::pin(future)
}

/// Awaits the user's function, commits and responds. `convert` is `None` if axum cannot respond with the value; the
/// application does not compile then.
pub fn respond<R: Send + 'static>(
    handler: BoxFuture<'static, R>,
    committer: Committer,
    has_failed: fn(&R) -> bool,
    convert: Option<Convert<R>>,
) -> Responding<R> {
    Box::pin(async move {
        let value = handler.await;
        let failed = has_failed(&value);
        let conversions = Conversions {
            axum: convert,
            poem: None,
        };
        let reply = match reply(value, failed, committer, &conversions) {
            HandlerReply::Done(reply) => reply,
            HandlerReply::Pending(pending) => pending.await,
        };
        let response = super::response(reply, |value| {
            let converted = match convert {
                Some(convert) => convert(value).into_inner(),
                None => Err(unknown_status()),
            };
            converted.unwrap_or_else(IntoResponse::into_response)
        });
        Responded {
            response,
            value: PhantomData,
        }
    })
}
