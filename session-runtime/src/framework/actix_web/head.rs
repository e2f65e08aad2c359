//! Reads the head of a request.

use std::borrow::Cow;

use actix_web::HttpRequest;
use http::HeaderName;
use percent_encoding::percent_decode_str;

use crate::loader::HeadSource;

/// The values of a header, in order. Iterates, because a lookup needs a copy of the name in the type of
/// `http` 0.2.
fn values<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let headers = request.headers().iter();
    let same = headers.filter(move |(key, _)| key.as_str() == name.as_str());
    same.map(|(_, value)| value.as_bytes())
}

impl HeadSource for HttpRequest {
    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn path(&self) -> &str {
        self.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = values(self, name);
        Some((values.next()?, values.next().is_some()))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        values(self, name).for_each(visit);
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        let headers = self.headers().iter();
        headers.for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }

    fn is_tls(&self) -> bool {
        self.app_config().secure()
    }

    fn authority(&self) -> Option<&str> {
        Some(self.uri().authority()?.as_str())
    }

    /// actix-web does not decode `%2F`, `%25` and `%2B` in parameters.
    fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        percent_decode_str(self.match_info().get(name)?)
            .decode_utf8()
            .ok()
    }
}
