//! The head of a request in the types of `http`, for the frameworks that use them.

use std::borrow::Cow;
use std::net::IpAddr;

use http::uri::Scheme;
use http::{HeaderMap, HeaderName, Method, Request, Uri};

use crate::loader::HeadSource;

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

    /// The address that the request came from, if the framework tells it.
    fn peer_ip(&self) -> Option<IpAddr> {
        None
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

    #[cfg(all(feature = "axum", feature = "axum-session"))]
    fn peer_ip(&self) -> Option<IpAddr> {
        super::axum::peer_ip(self.extensions())
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

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        let headers = self.parts.headers().iter();
        headers.for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }

    fn original_path(&self) -> &str {
        self.parts.original_uri().path()
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        self.parts.peer_ip()
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
