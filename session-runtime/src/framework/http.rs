//! Plain `http`: handlers that take an `http::Request<B>`, for hyper, tower and others.

mod problem_body;
mod reply;

use std::future::Future;

use http::{Extensions, Request};

pub use self::problem_body::ProblemBody;
pub use self::reply::{HttpReply, Replies, replies};
pub use super::any_request::AnyRequest;
use super::http_head::HttpHead;
use super::scope::shared_scope;
use crate::engine::{self, Overrides};
use crate::guard::{self, Mode, Rejection, SessionArg, SessionGuard, StatusKnown};
use crate::loader::RequestHead;

/// Opens the session for a handler with `#[session(…, http)]`. The future does not borrow the request.
pub fn open<S: SessionArg, M: Mode, O: Overrides, B>(
    request: &mut Request<B>,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send + use<S, M, O, B> {
    // A handler that has the request can always pass it on.
    let scope = Some(shared_scope(request.extensions_mut()));
    let head = HttpHead::of_request(request);
    let context = engine::extract::<S::Config, O>(RequestHead::new(&head), scope);
    async move { guard::open(&context, StatusKnown::InValue).await }
}

impl<B> AnyRequest for Request<B> {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let head = HttpHead::of_request(self);
        read(RequestHead::new(&head), self.extensions())
    }
}
