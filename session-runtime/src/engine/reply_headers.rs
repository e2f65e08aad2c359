//! The headers of a response, independent of the framework.

use http::header::{Entry, HeaderMap, HeaderName, HeaderValue, VARY};

use super::cache_control::is_for_shared_caches;

/// The headers of a response, in the type of any framework.
pub(crate) trait ReplyHeaders {
    /// The values of a header that are text, in order.
    fn texts(&self, name: &HeaderName) -> Vec<&str>;
    /// Whether there is a header that only shared caches obey.
    fn any_for_shared_caches(&self) -> bool {
        !self.for_shared_caches().is_empty()
    }
    /// The names of the headers that only shared caches obey.
    fn for_shared_caches(&self) -> Vec<HeaderName>;
    /// Sets a header, and replaces all its values.
    fn set(&mut self, name: &HeaderName, value: HeaderValue);
    /// Sets a header unless it already has a value. Returns whether it was set.
    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool;
    /// Appends a value to a header. Returns whether the header already had one.
    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool;
    /// Keeps the values of a header for which `keeps` returns `true`.
    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool);
}

impl ReplyHeaders for HeaderMap {
    fn texts(&self, name: &HeaderName) -> Vec<&str> {
        let values = self.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    #[inline]
    fn any_for_shared_caches(&self) -> bool {
        (self.keys()).any(|name| is_for_shared_caches(name.as_str()))
    }

    fn for_shared_caches(&self) -> Vec<HeaderName> {
        let names = self.keys();
        let names = names.filter(|name| is_for_shared_caches(name.as_str()));
        names.cloned().collect()
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        self.insert(name, value);
    }

    fn set_default(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        match self.entry(name.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(value);
                true
            }
        }
    }

    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> bool {
        self.append(name, value)
    }

    fn retain(&mut self, name: &HeaderName, keeps: &dyn Fn(&[u8]) -> bool) {
        let values = self.get_all(name).iter();
        let kept: Vec<_> = (values.filter(|value| keeps(value.as_bytes())))
            .cloned()
            .collect();
        self.remove(name);
        for value in kept {
            self.append(name, value);
        }
    }
}

/// The names among these that only shared caches obey, for an adapter with its own type of names.
#[cfg(any(feature = "actix-web", feature = "rocket"))]
pub(crate) fn for_shared_caches<'a>(names: impl Iterator<Item = &'a str>) -> Vec<HeaderName> {
    let names = names.filter(|name| is_for_shared_caches(name));
    names.filter_map(|name| name.parse().ok()).collect()
}

/// Adds names to a comma-separated header, without duplicates.
pub(crate) fn merge_list(
    headers: &mut impl ReplyHeaders,
    header: &HeaderName,
    names: &HeaderValue,
) {
    // Usually, the header is not set yet.
    if !headers.add(header, names.clone()) {
        return;
    }
    let lists = headers.texts(header);
    let names = lists.iter().flat_map(|list| list.split(','));
    let mut merged: Vec<&str> = Vec::new();
    for name in names.map(str::trim) {
        if !(merged.iter()).any(|other| other.eq_ignore_ascii_case(name)) {
            merged.push(name);
        }
    }
    if *header == VARY && merged.contains(&"*") {
        merged = vec!["*"];
    }
    if let Ok(list) = HeaderValue::try_from(merged.join(", ")) {
        headers.set(header, list);
    }
}
