//! Reads the head of a request.

use std::borrow::Cow;

use http::{Extensions, HeaderName, header};
use rocket::Request;

use super::super::any_request::AnyRequest;
use super::scopes::{DerivedFromHead, scopes};
use crate::loader::{HeadSource, RequestHead};

struct Head<'a> {
    request: &'a Request<'a>,
    method: &'static str,
    /// The authority of an HTTP/2 request without a `Host` header.
    authority: Option<String>,
}

impl HeadSource for Head<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn path(&self) -> &str {
        self.request.uri().path().as_str()
    }

    fn query(&self) -> Option<&str> {
        Some(self.request.uri().query()?.as_str())
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = self.request.headers().get(name.as_str());
        Some((values.next()?.as_bytes(), values.next().is_some()))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let values = self.request.headers().get(name.as_str());
        values.map(str::as_bytes).for_each(visit);
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        for header in self.request.headers().iter() {
            visit(header.name().as_str(), header.value().as_bytes());
        }
    }

    fn is_tls(&self) -> bool {
        self.request.rocket().config().tls_enabled()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// rocket provides route segments by their position only.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        let segments = self.request.route()?.uri.unmounted_origin.path();
        let position = segments.raw_segments().position(|segment| {
            let inner = segment.as_str().strip_prefix('<');
            inner.and_then(|inner| inner.strip_suffix('>')) == Some(name)
        })?;
        Some(Cow::Borrowed(self.request.routed_segment(position)?))
    }
}

impl AnyRequest for Request<'_> {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let has_host = self.headers().contains(header::HOST.as_str());
        let scopes = scopes(self);
        let head = Head {
            request: self,
            method: match scopes.get::<DerivedFromHead>() {
                Some(_) => "HEAD",
                None => self.method().as_str(),
            },
            authority: self.host().filter(|_| !has_host).map(ToString::to_string),
        };
        read(RequestHead::new(&head), &scopes)
    }
}
