//! Validates the options that `configure` has changed.

use std::fmt;
use std::time::Duration;

use connect_session_rules::{self as rules, Fault};

use super::Options;
use crate::loader::{Emit, SameSite, SidSource};
use crate::printable;

/// Why `configure` failed: a list of every problem. Nothing was changed.
///
/// `Debug` prints the message, because that is what a `main` which returns the error prints.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigureError {
    /// The name of the config.
    pub config: &'static str,
    /// One entry for each problem, with its fix.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.join("; ");
        write!(
            f,
            "the options of {} cannot be used: {problems}",
            self.config
        )
    }
}

impl std::error::Error for ConfigureError {}

impl fmt::Debug for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Options {
    /// Every problem of the options, by the rules that the compiler checks for a declaration.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut found = Problems::default();
        let (idle, absolute) = (millis(self.idle_timeout), millis(self.absolute_timeout));
        found.text(
            "namespace",
            self.namespace,
            rules::namespace(self.namespace),
        );
        let mut time = |option: &str, value: Duration, fault: Option<Fault>| {
            found.note(option, &format!("{value:?}"), fault);
        };
        time("idle_timeout", self.idle_timeout, rules::duration(idle));
        time(
            "absolute_timeout",
            self.absolute_timeout,
            rules::duration(absolute),
        );
        time(
            "idle_timeout",
            self.idle_timeout,
            rules::idle_within_absolute(idle, absolute),
        );
        if let Some(first_use) = self.first_use_timeout {
            let first = millis(first_use);
            time("first_use_timeout", first_use, rules::duration(first));
            time(
                "first_use_timeout",
                first_use,
                rules::first_use_within_idle(first, idle),
            );
        }
        if let Some(touch) = self.touch_every {
            time("touch_every", touch, rules::duration(millis(touch)));
            time(
                "touch_every",
                touch,
                rules::touch_within_idle(millis(touch), idle),
            );
        }
        if let Some(renew) = self.renew_every {
            let (renewed, grace) = (millis(renew), millis(self.renew_grace));
            time("renew_every", renew, rules::duration(renewed));
            time(
                "renew_every",
                renew,
                rules::renew_within_absolute(renewed, absolute),
            );
            time("renew_grace", self.renew_grace, rules::grace(grace));
            time(
                "renew_grace",
                self.renew_grace,
                rules::grace_within_renewal(grace, renewed),
            );
        }
        if let Some(size) = self.max_size {
            found.note("max_size", &size.to_string(), rules::size(size));
        }
        found.note(
            "max_fields",
            &self.max_fields.to_string(),
            rules::fields(self.max_fields),
        );
        if let Some(count) = self.max_sessions {
            found.note("max_sessions", &count.to_string(), rules::sessions(count));
        }
        let written = self.write_version.unwrap_or(self.data_version);
        for (option, version) in [
            ("data_version", self.data_version),
            ("write_version", written),
        ] {
            found.note(option, &version.to_string(), rules::version(version));
        }
        found.note(
            "write_version",
            &written.to_string(),
            rules::write_within_data(written, self.data_version),
        );
        self.loader_problems(absolute, &mut found);
        found.0
    }

    fn loader_problems(&self, absolute: u64, found: &mut Problems) {
        if self.loaders.is_empty() {
            found
                .0
                .push("loaders: the list is empty; add at least one loader".to_owned());
        }
        for (at, loader) in self.loaders.iter().enumerate() {
            let twice = self.loaders[..at]
                .iter()
                .find_map(|first| shared_place(first, loader));
            found.0.extend(
                twice.map(|place| format!("loaders: {place} is read twice; leave one out")),
            );
            match *loader {
                SidSource::Header(name) => {
                    found.text("header loader", name, rules::header_name(name));
                }
                SidSource::Query(name) => found.text("query loader", name, rules::query_name(name)),
                SidSource::Path(name) => found.text("path loader", name, rules::path_name(name)),
                SidSource::Bearer | SidSource::Custom(_) => {}
                SidSource::Cookie(cookie) => {
                    let same_site_is_none = cookie.same_site == SameSite::None;
                    let fault = rules::cookie(
                        cookie.name,
                        cookie.path,
                        cookie.domain,
                        cookie.secure,
                        same_site_is_none,
                        cookie.partitioned,
                        cookie.unprefixed,
                    );
                    // The fault may be in any attribute, so its position is not shown.
                    found.note("cookie loader", &quoted(cookie.name), fault);
                    if cookie.persistent {
                        let fault = rules::cookie_lifetime(absolute);
                        found.note(
                            "absolute_timeout",
                            &format!("{:?}", self.absolute_timeout),
                            fault,
                        );
                    }
                    for origin in cookie.origins {
                        found.text("origins", origin, rules::origin(origin));
                    }
                }
            }
        }
        let reads_cookie = self
            .loaders
            .iter()
            .any(|loader| matches!(loader, SidSource::Cookie(_)));
        let reads_other = self
            .loaders
            .iter()
            .any(|loader| !matches!(loader, SidSource::Cookie(_)));
        if self.emit == Some(Emit::Cookie) && !reads_cookie {
            found.0.push(
                "emit: no loader reads a cookie, so the client could never send the sid back"
                    .to_owned(),
            );
        }
        if self.emit == Some(Emit::Header) && !reads_other {
            found.0.push(
                "emit: no loader reads anything but cookies, so the client could never send the sid back"
                    .to_owned(),
            );
        }
    }
}

/// The place that two loaders read, if it is the same.
fn shared_place(a: &SidSource, b: &SidSource) -> Option<String> {
    let (kind, name, is_same) = match (*a, *b) {
        (SidSource::Bearer, SidSource::Bearer) => {
            return Some("`Authorization: Bearer`".to_owned());
        }
        (SidSource::Header(a), SidSource::Header(b)) => ("header", a, rules::same_name(a, b)),
        (SidSource::Cookie(a), SidSource::Cookie(b)) => ("cookie", a.name, a.name == b.name),
        (SidSource::Query(a), SidSource::Query(b)) => ("query parameter", a, a == b),
        (SidSource::Path(a), SidSource::Path(b)) => ("path parameter", a, a == b),
        _ => return None,
    };
    is_same.then(|| format!("the {kind} {}", quoted(name)))
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn note(&mut self, option: &str, value: &str, fault: Option<Fault>) {
        self.0
            .extend(fault.map(|fault| format!("{option}: {value}: {}", fault.reason)));
    }

    /// Adds a fault of a text, and names the offending character.
    fn text(&mut self, option: &str, value: &str, fault: Option<Fault>) {
        let Some(fault) = fault else { return };
        let offending = fault
            .at
            .and_then(|at| Some((at, value.get(at..)?.chars().next()?)));
        let place = offending.map_or_else(String::new, |(at, character)| {
            format!(" the character {character:?} at byte {at} is wrong;")
        });
        self.0.push(format!(
            "{option}: {}:{place} {}",
            quoted(value),
            fault.reason
        ));
    }
}

/// The beginning of a text, escaped and in backquotes.
fn quoted(value: &str) -> String {
    format!("`{}`", printable::name(value))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
