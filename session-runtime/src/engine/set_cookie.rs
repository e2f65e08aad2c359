//! The values of `Set-Cookie` headers.

use std::time::Duration;

use crate::loader::CookieSpec;

/// The attributes by which a browser distinguishes cookies of one name. It sends all that match a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    pub(super) path: &'a str,
    /// `None` for a cookie of one host only.
    pub(super) domain: Option<&'a str>,
    pub(super) is_partitioned: bool,
}

impl Slot<'_> {
    /// The slot in which the config sets the cookie.
    pub(super) const fn declared(spec: &CookieSpec) -> Self {
        Self {
            path: spec.path,
            domain: spec.domain,
            is_partitioned: spec.partitioned,
        }
    }
}

/// A cookie with this value. Without a maximum age, browsers keep it until they are closed.
pub(super) fn set_cookie(spec: &CookieSpec, value: &str, max_age: Option<Duration>) -> String {
    let mut text = format!("{}={value}", spec.name);
    attributes(spec, Slot::declared(spec), &mut text);
    if let Some(max_age) = max_age {
        // Rounded up: a browser keeps the cookie until the session ends, and a new one gets the config's number.
        let seconds = max_age.as_millis().div_ceil(1_000);
        text.push_str("; Max-Age=");
        text.push_str(&seconds.to_string());
    }
    text
}

/// An expired cookie, which removes the one of the same name and slot.
pub(super) fn expired_cookie(spec: &CookieSpec, slot: Slot<'_>) -> String {
    let mut text = format!("{}=", spec.name);
    attributes(spec, slot, &mut text);
    text.push_str("; Max-Age=0");
    text
}

fn attributes(spec: &CookieSpec, slot: Slot<'_>, text: &mut String) {
    text.push_str("; Path=");
    text.push_str(slot.path);
    if let Some(domain) = slot.domain {
        text.push_str("; Domain=");
        text.push_str(domain);
    }
    if spec.secure {
        text.push_str("; Secure");
    }
    text.push_str("; HttpOnly; SameSite=");
    text.push_str(spec.same_site.as_str());
    if slot.is_partitioned {
        text.push_str("; Partitioned");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_second_counts() {
        let spec = CookieSpec::new("sid");
        let set = |millis| set_cookie(&spec, "value", Some(Duration::from_millis(millis)));
        for (millis, seconds) in [(0, 0), (1, 1), (1_000, 1), (7_775_999_999, 7_776_000)] {
            let cookie = set(millis);
            assert!(
                cookie.ends_with(&format!("; Max-Age={seconds}")),
                "{cookie}"
            );
        }
    }
}
