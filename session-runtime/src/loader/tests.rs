//! Tests that finding a sid takes linear time, whatever a client sends.

use std::borrow::Cow;
use std::cell::Cell;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use super::{CookieSpec, HeadSource, LoaderSet, RequestHead, SidSource};

/// A head that counts how many headers are read.
struct Head {
    headers: Vec<(HeaderName, String)>,
    looked_at: Cell<usize>,
}

impl Head {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        let headers = self.headers.iter();
        let headers = headers.inspect(|_| self.looked_at.set(self.looked_at.get() + 1));
        let same = headers.filter(move |(other, _)| other == name);
        same.map(|(_, value)| value.as_bytes())
    }
}

impl HeadSource for Head {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        let mut values = self.values(name);
        Some((values.next()?, values.next().is_some()))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        self.values(name).for_each(visit);
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        let headers = self.headers.iter();
        headers.for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }

    fn path_param(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

#[test]
fn each_loader_looks_at_each_header_once_or_twice() {
    let sid = "A".repeat(64);
    let loaders = LoaderSet::new(&[
        SidSource::Header("X-User-Session"),
        SidSource::Bearer,
        SidSource::Cookie(CookieSpec::new("sid")),
    ]);
    let custom = HeaderName::from_static("x-user-session");
    for (name, value) in [
        (custom, ""),
        (AUTHORIZATION, "Bearer "),
        (AUTHORIZATION, "Basic "),
        (COOKIE, "sid="),
        (COOKIE, "other="),
        (HeaderName::from_static("x-other"), ""),
    ] {
        let header = (name, format!("{value}{sid}"));
        let head = Head {
            headers: vec![header; 10_000],
            looked_at: Cell::new(0),
        };
        let _ = loaders.find(RequestHead::new(&head));
        assert!(head.looked_at.get() <= 40_000, "{}", head.looked_at.get());
    }
}
