//! The return types of handlers of plain `http`.

use http::{Response, StatusCode};

use super::ProblemBody;
use crate::guard::{Rejection, SessionReply};

/// The functions of [`HttpReply`] for the return type of a handler. The expansion gets all from one
/// call, so that a wrong type causes only one compiler error.
#[derive(Debug)]
pub struct Replies<R> {
    /// Creates the response to a request that is refused.
    pub refuse: fn(Rejection) -> R,
    /// The status of the handler's response.
    pub status: fn(&R) -> Option<StatusCode>,
    /// Adds the headers of the session to the handler's response.
    pub finish: fn(SessionReply<R>) -> R,
}

/// Returns the functions of [`HttpReply`] for a return type.
#[must_use]
pub fn replies<R: HttpReply>() -> Replies<R> {
    Replies {
        refuse: R::refuse,
        status: R::status,
        finish: R::finish,
    }
}

/// The return type of a handler with `#[session(…, http)]`: an `http::Response<B>`, or a `Result` of
/// one.
///
/// An `Err` has no headers, so it cannot carry a sid. If the client must get a new sid with an error
/// response, because of `commit: always` or a `save`, return the response as `Ok`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response of a handler with `#[session(…, http)]`",
    label = "not an `http::Response<B>` with a `ProblemBody`, or a `Result` of one",
    note = "return `http::Response<B>` or `Result<http::Response<B>, E>`; without `http`, the attribute expects the handler of a framework"
)]
pub trait HttpReply: Sized {
    /// Creates the response to a request that is refused.
    fn refuse(rejection: Rejection) -> Self;

    /// The status of the response; `None` for an `Err`.
    fn status(&self) -> Option<StatusCode>;

    /// Adds the headers of the session to the handler's response.
    fn finish(reply: SessionReply<Self>) -> Self;
}

impl<B: ProblemBody> HttpReply for Response<B> {
    fn refuse(rejection: Rejection) -> Self {
        rejection.to_response().map(B::problem)
    }

    fn status(&self) -> Option<StatusCode> {
        Some(self.status())
    }

    fn finish(reply: SessionReply<Self>) -> Self {
        match reply.into_outcome() {
            Ok((mut response, headers)) => {
                headers.apply(response.headers_mut());
                response
            }
            Err(rejection) => Self::refuse(rejection),
        }
    }
}

impl<B: ProblemBody, E> HttpReply for Result<Response<B>, E> {
    fn refuse(rejection: Rejection) -> Self {
        Ok(Response::refuse(rejection))
    }

    fn status(&self) -> Option<StatusCode> {
        self.as_ref().ok().map(Response::status)
    }

    fn finish(reply: SessionReply<Self>) -> Self {
        match reply.into_outcome() {
            Ok((Ok(mut response), headers)) => {
                headers.apply(response.headers_mut());
                Ok(response)
            }
            Ok((Err(error), _)) => Err(error),
            Err(rejection) => Self::refuse(rejection),
        }
    }
}
