//! Plain `http`: handlers that take an `http::Request<B>`, for hyper, tower and others.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use http::uri::Scheme;
use http::{Extensions, HeaderMap, HeaderName, Method, Request, Response, Uri};

use crate::config::SessionConfig;
use crate::engine::{self, Overrides, RequestScope};
use crate::error::Error;
use crate::guard::{self, Inherit, Mode, Rejection, SessionArg, SessionGuard, SessionReply};
use crate::loader::{HeadSource, RequestHead};
use crate::view::SessionView;

/// The parts of a request's head, in the types of `http`.
pub(crate) trait HttpParts {
    fn method(&self) -> &Method;
    fn uri(&self) -> &Uri;
    fn headers(&self) -> &HeaderMap;

    /// The target before a router removed the prefix under which it is mounted.
    fn original_uri(&self) -> &Uri {
        self.uri()
    }

    /// Whether the server itself terminated TLS.
    fn is_tls(&self) -> bool {
        false
    }
}

impl<B> HttpParts for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn uri(&self) -> &Uri {
        self.uri()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    /// The service may be part of an axum router.
    #[cfg(feature = "axum")]
    fn original_uri(&self) -> &Uri {
        super::axum::original_uri(self.extensions(), self.uri())
    }
}

/// The head of an `http` request, with the route parameters if the framework provides them.
pub(crate) struct HttpHead<'a, P> {
    pub(crate) parts: &'a P,
    pub(crate) params: &'a dyn Fn(&str) -> Option<Cow<'a, str>>,
}

impl<'a, P: HttpParts> HttpHead<'a, P> {
    pub(crate) fn of_request(parts: &'a P) -> Self {
        Self {
            parts,
            params: &|_| None,
        }
    }

    /// The values of a header, in order. Iterates instead of looking the name up: with the few headers of
    /// a request, comparing is faster than hashing.
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.parts.headers().iter();
        let headers = headers.filter(move |(other, _)| *other == name);
        headers.map(|(_, value)| value.as_bytes())
    }
}

impl<P: HttpParts> HeadSource for HttpHead<'_, P> {
    fn method(&self) -> &str {
        self.parts.method().as_str()
    }

    fn path(&self) -> &str {
        self.parts.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.parts.uri().query()
    }

    fn header(&self, name: &HeaderName) -> Option<&[u8]> {
        // Usually there is none, and searching the names is faster than searching the values.
        if !self.parts.headers().keys().any(|other| other == name) {
            return None;
        }
        self.values(name).next()
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = self.values(name);
        let first = values.next()?;
        // If there are as many values as names, no header is repeated.
        let headers = self.parts.headers();
        let repeats = headers.len() > headers.keys_len();
        Some((first, repeats && values.next().is_some()))
    }

    fn visit<'b>(&'b self, name: &HeaderName, visit: &mut dyn FnMut(&'b [u8])) {
        for value in self.values(name) {
            visit(value);
        }
    }

    fn original_path(&self) -> &str {
        self.parts.original_uri().path()
    }

    /// With HTTP/2, the target has a scheme. A proxy may write `http` there for a client that used https,
    /// but not the reverse.
    fn is_tls(&self) -> bool {
        self.parts.is_tls() || self.parts.uri().scheme() == Some(&Scheme::HTTPS)
    }

    fn authority(&self) -> Option<&str> {
        self.parts
            .uri()
            .authority()
            .map(http::uri::Authority::as_str)
    }

    fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        (self.params)(name)
    }
}

/// The scope of a request, if a layer or a guard has put one there.
pub(crate) fn scope_of<C: SessionConfig>(extensions: &Extensions) -> Option<Arc<RequestScope<C>>> {
    if !engine::any_scope_created() {
        return None;
    }
    extensions.get::<Arc<RequestScope<C>>>().cloned()
}

/// The scope of a request. Inserts one if there is none, for guards that open later in the request.
pub(crate) fn shared_scope<C: SessionConfig>(extensions: &mut Extensions) -> Arc<RequestScope<C>> {
    scope_of(extensions).unwrap_or_else(|| {
        let scope = Arc::new(RequestScope::new(None));
        extensions.insert(scope.clone());
        scope
    })
}

/// Opens the session for a handler with `#[session(…, http)]`. The future does not borrow the request.
pub fn open<S: SessionArg, M: Mode, O: Overrides, B>(
    request: &mut Request<B>,
) -> impl Future<Output = Result<SessionGuard<S, M, O>, Rejection>> + Send + use<S, M, O, B> {
    // A handler that has the request can always pass it on.
    let scope = Some(shared_scope(request.extensions_mut()));
    let head = HttpHead::of_request(request);
    let context = engine::extract::<S::Config, O>(RequestHead::new(&head), scope);
    async move { guard::open(&context).await }
}

/// A request in middleware: of plain `http`, actix-web, poem, rocket or salvo.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request that can have a session",
    label = "not a request of `http` or of a framework that is enabled",
    note = "pass the request itself, by reference; a request of actix-web, poem, rocket or salvo needs the feature of that name"
)]
pub trait AnyRequest {
    /// Calls `read` with the head of the request and the scopes that layers and guards have put there.
    #[doc(hidden)]
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T;
}

impl<B> AnyRequest for Request<B> {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let head = HttpHead::of_request(self);
        read(RequestHead::new(&head), self.extensions())
    }
}

impl<C: SessionConfig> SessionView<C> {
    /// Loads the session of a request, for middleware. `None` if the request has no live session. The
    /// future does not borrow the request.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`](crate::error::ErrorKind::Ambiguous) and
    /// [`ErrorKind::CrossOrigin`](crate::error::ErrorKind::CrossOrigin) for a request that a
    /// handler would refuse, and the errors of the store.
    pub fn of_request<Q: AnyRequest>(
        request: &Q,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send + use<C, Q> {
        let context = request
            .read(|head, extensions| engine::extract::<C, Inherit>(head, scope_of(extensions)));
        async move {
            let loaded = engine::view(&context).await?;
            Ok(loaded.map(|(id, loaded)| Self::new(id, loaded)))
        }
    }
}

/// The functions of [`HttpReply`] for the return type of a handler. The expansion gets both from one
/// call, so that a wrong type causes only one compiler error.
#[derive(Debug)]
pub struct Replies<R> {
    /// Creates the response to a request that is refused.
    pub refuse: fn(Rejection) -> R,
    /// Adds the headers of the session to the handler's response.
    pub finish: fn(SessionReply<R>) -> R,
}

/// Returns the functions of [`HttpReply`] for a return type.
#[must_use]
pub fn replies<R: HttpReply>() -> Replies<R> {
    Replies {
        refuse: R::refuse,
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

    /// Adds the headers of the session to the handler's response.
    fn finish(reply: SessionReply<Self>) -> Self;
}

/// A response body that can be created from a text, for error responses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the body of an error response",
    note = "enable the feature `http-body` for the bodies of `http-body-util`, or implement `connect_session::ProblemBody` for your own"
)]
pub trait ProblemBody {
    /// Creates a body with this text.
    fn problem(text: String) -> Self;
}

impl<B: ProblemBody> HttpReply for Response<B> {
    fn refuse(rejection: Rejection) -> Self {
        rejection.to_response().map(B::problem)
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

#[diagnostic::do_not_recommend]
impl ProblemBody for String {
    fn problem(text: String) -> Self {
        text
    }
}

#[diagnostic::do_not_recommend]
impl ProblemBody for Vec<u8> {
    fn problem(text: String) -> Self {
        text.into_bytes()
    }
}

#[cfg(feature = "http-body")]
mod bodies {
    use bytes::Bytes;
    use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
    use http_body_util::{BodyExt as _, Full};

    use super::ProblemBody;

    #[diagnostic::do_not_recommend]
    impl ProblemBody for Bytes {
        fn problem(text: String) -> Self {
            text.into()
        }
    }

    #[diagnostic::do_not_recommend]
    impl ProblemBody for Full<Bytes> {
        fn problem(text: String) -> Self {
            text.into()
        }
    }

    #[diagnostic::do_not_recommend]
    impl<E> ProblemBody for BoxBody<Bytes, E> {
        fn problem(text: String) -> Self {
            Full::from(text).map_err(|never| match never {}).boxed()
        }
    }

    #[diagnostic::do_not_recommend]
    impl<E> ProblemBody for UnsyncBoxBody<Bytes, E> {
        fn problem(text: String) -> Self {
            Full::from(text)
                .map_err(|never| match never {})
                .boxed_unsync()
        }
    }
}

#[cfg(feature = "axum")]
#[diagnostic::do_not_recommend]
impl ProblemBody for axum::body::Body {
    fn problem(text: String) -> Self {
        text.into()
    }
}
