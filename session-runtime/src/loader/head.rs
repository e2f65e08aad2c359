//! The head of a request, independent of the framework.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use http::HeaderName;
use http::header;

/// Access to the head of a request, implemented by each framework adapter. Header names are
/// lower-case.
pub trait HeadSource {
    /// The method, such as `GET`.
    fn method(&self) -> &str;
    /// The path of the request target.
    fn path(&self) -> &str;
    /// The query string without its `?`.
    fn query(&self) -> Option<&str>;
    /// The first value of a header.
    fn header(&self, name: &HeaderName) -> Option<&[u8]> {
        Some(self.header_and_more(name)?.0)
    }
    /// The first value of a header, and whether another one follows.
    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)>;
    /// Calls `visit` with every value of a header, in the order of the request.
    ///
    /// There is no access by index, because visiting all values that way takes quadratic time. With
    /// HTTP/2, a client can repeat a header thousands of times at the price of one byte each.
    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8]));
    /// Calls `visit` with the name and value of every header.
    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8]));
    /// The path before a router removed the prefix under which it is mounted.
    fn original_path(&self) -> &str {
        self.path()
    }
    /// Whether the server itself terminated TLS.
    fn is_tls(&self) -> bool {
        false
    }
    /// The host and port of the request target; used where there is no `Host` header (HTTP/2).
    fn authority(&self) -> Option<&str> {
        None
    }
    /// The address that the request came from, if the framework tells it.
    fn peer_ip(&self) -> Option<IpAddr> {
        None
    }
    /// The decoded value of a route parameter.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// The head of a request, as a [custom loader](super::SidSource::Custom) sees it.
///
/// ```
/// use connect_session::RequestHead;
///
/// /// The sid is the second half of `X-Api-Key: <key>.<sid>`.
/// fn from_api_key(head: &RequestHead<'_>) -> Option<String> {
///     let (_, sid) = head.header("X-Api-Key")?.split_once('.')?;
///     Some(sid.to_owned())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'a>(pub(super) &'a dyn HeadSource);

impl<'a> RequestHead<'a> {
    /// Wraps the head that a framework adapter provides.
    #[must_use]
    #[inline]
    pub fn new(source: &'a dyn HeadSource) -> Self {
        Self(source)
    }

    /// The method, such as `GET`.
    #[must_use]
    #[inline]
    pub fn method(&self) -> &'a str {
        self.0.method()
    }

    /// The path of the request target.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.0.path()
    }

    /// The query string without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.0.query()
    }

    /// The first value of a header, if it is UTF-8. The name is not case-sensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        std::str::from_utf8(self.0.header(&name)?).ok()
    }

    /// The decoded value of a route parameter.
    #[must_use]
    pub fn path_param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.path_param(name)
    }

    /// Calls `visit` with every value of a header, in the order of the request.
    #[inline]
    pub(crate) fn visit(self, name: &HeaderName, mut visit: impl FnMut(&'a [u8])) {
        self.0.visit(name, &mut visit);
    }

    /// Calls `visit` with the name and value of every header.
    pub(crate) fn visit_all(self, mut visit: impl FnMut(&str, &[u8])) {
        self.0.visit_all(&mut visit);
    }

    /// The address that the request came from, if the framework tells it.
    pub(crate) fn peer_ip(self) -> Option<IpAddr> {
        self.0.peer_ip()
    }

    /// The host and port that the client addressed.
    #[inline]
    pub(crate) fn host(self) -> Option<&'a [u8]> {
        self.first(&header::HOST)
            .or_else(|| self.0.authority().map(str::as_bytes))
    }

    /// The path as the client sent it.
    pub(crate) fn original_path(self) -> &'a str {
        self.0.original_path()
    }

    /// Whether the client is known to have used TLS.
    pub(crate) fn is_tls(self) -> bool {
        self.0.is_tls()
    }

    pub(crate) fn last(self, name: &HeaderName) -> Option<&'a [u8]> {
        let mut last = None;
        self.visit(name, |value| last = Some(value));
        last
    }

    #[inline]
    pub(crate) fn first(self, name: &HeaderName) -> Option<&'a [u8]> {
        self.0.header(name)
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}
