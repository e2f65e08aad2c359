//! Converts responses, and writes their headers.

use std::io::Cursor;

use http::{HeaderName, HeaderValue, StatusCode};
use rocket::Response;
use rocket::http::Status;

use crate::engine::{self, ReplyHeaders};

pub(super) fn status(status: StatusCode) -> Status {
    Status::new(status.as_u16())
}

pub(super) fn of_http(source: http::Response<String>) -> Response<'static> {
    let (head, body) = source.into_parts();
    let mut response = Response::new();
    response.set_status(status(head.status));
    for (name, value) in &head.headers {
        response.add(name, value.clone());
    }
    if !body.is_empty() {
        response.set_sized_body(body.len(), Cursor::new(body));
    }
    response
}

impl ReplyHeaders for Response<'_> {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        self.headers().get(name.as_str()).collect()
    }

    fn for_shared_caches(&self) -> Vec<HeaderName> {
        let names = self.headers().iter();
        let names: Vec<_> = names.map(|header| header.name().to_string()).collect();
        engine::for_shared_caches(names.iter().map(String::as_str))
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        if let Ok(value) = value.to_str() {
            self.set_raw_header(name.to_string(), value.to_owned());
        }
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let is_missing = !self.headers().contains(name.as_str());
        if is_missing {
            self.set(name, value);
        }
        is_missing
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let had_value = self.headers().contains(name.as_str());
        if let Ok(value) = value.to_str() {
            self.adjoin_raw_header(name.to_string(), value.to_owned());
        }
        had_value
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let values = self.headers().get(name.as_str());
        let kept: Vec<String> = values
            .filter(|value| keeps(value.as_bytes()))
            .map(str::to_owned)
            .collect();
        self.remove_header(name.as_str());
        for value in kept {
            self.adjoin_raw_header(name.to_string(), value);
        }
    }
}
