//! Writes the headers of a response, which are of `http` 0.2.

use actix_web::http::header::{HeaderMap as Headers, HeaderName as Name, HeaderValue as Value};
use http::{HeaderName, HeaderValue};

use crate::engine::{self, ReplyHeaders};

impl ReplyHeaders for Headers {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        let values = self.get_all(name.as_str());
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    fn for_shared_caches(&self) -> Vec<HeaderName> {
        engine::for_shared_caches(self.keys().map(Name::as_str))
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        if let Some((name, value)) = to_http_02(name, &value) {
            self.insert(name, value);
        }
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let is_missing = !self.contains_key(name.as_str());
        if is_missing {
            self.set(name, value);
        }
        is_missing
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        let Some((name, value)) = to_http_02(name, &value) else {
            return false;
        };
        let had_value = self.contains_key(&name);
        self.append(name, value);
        had_value
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let removed = self.remove(name.as_str());
        for value in removed.filter(|value| keeps(value.as_bytes())) {
            if let Ok(name) = Name::from_bytes(name.as_str().as_bytes()) {
                self.append(name, value);
            }
        }
    }
}

/// Converts a header to `http` 0.2, which accepts the same names and values.
fn to_http_02(name: &HeaderName, value: &HeaderValue) -> Option<(Name, Value)> {
    let name = Name::from_bytes(name.as_str().as_bytes()).ok()?;
    let mut converted = Value::from_bytes(value.as_bytes()).ok()?;
    converted.set_sensitive(value.is_sensitive());
    Some((name, converted))
}
