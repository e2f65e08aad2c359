//! The lines of a policy.

use std::time::Duration;

use super::{Row, Section};
use crate::config::{OnMaxSessions, OnReuse, Options, Reason};
use crate::loader::{CookieSpec, SameSite, SidSource};
use crate::printable;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn sections(options: &Options, reasons: &[Reason]) -> Vec<Section> {
    let mut sections = vec![
        Section {
            title: "Lifetime",
            rows: lifetime(options),
        },
        Section {
            title: "Sessions of a user",
            rows: users(options),
        },
        Section {
            title: "The session id",
            rows: sid(options),
        },
        Section {
            title: "OWASP ASVS 5.0",
            rows: requirements(options),
        },
    ];
    if !reasons.is_empty() {
        sections.push(Section {
            title: "Exceptions, with their reasons",
            rows: reasons.iter().map(exception).collect(),
        });
    }
    sections
}

/// Texts may come from the user's source, such as a reason, so they are shortened.
fn row(what: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Row {
    Row {
        what: printable::message(&what.into()),
        value: printable::message(&value.into()),
        note: printable::message(&note.into()),
    }
}

/// A duration as a config writes it.
fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ];
    for (unit, factor) in units {
        // `24h`, not `1d`.
        if millis.is_multiple_of(factor) && millis > factor {
            return format!("{}{unit}", millis / factor);
        }
    }
    format!("{millis}ms")
}

fn lifetime(options: &Options) -> Vec<Row> {
    let (idle, absolute) = (options.idle_timeout, options.absolute_timeout);
    let touch = options.touch_every.unwrap_or(idle / 10);
    let mut rows = vec![
        row("without a request", written(idle), "ASVS 7.3.1"),
        row("in total", written(absolute), "ASVS 7.3.2"),
        row(
            "without any request",
            options
                .first_use_timeout
                .map_or_else(|| written(idle), written),
            "after the creation",
        ),
        row(
            "NIST SP 800-63B-4",
            assurance(idle, absolute),
            "2.1.3, 2.2.3, 2.3.3: 30 days in total; 24 hours, and an hour without a request; 12 hours, and 15 \
             minutes",
        ),
        row(
            "accuracy",
            format!("up to {} early, never late", written(touch)),
            "how often requests extend the session",
        ),
        row(
            "single sessions",
            "may have other timeouts",
            "`set_lifetime`, for instance for \"remember me\"",
        ),
    ];
    rows.push(match options.renew_every {
        None => row(
            "new secret",
            "at a login, a step-up and a rotation",
            "ASVS 7.2.4",
        ),
        Some(every) => row(
            "new secret",
            format!(
                "at a login, a step-up and a rotation, and every {}",
                written(every)
            ),
            format!(
                "ASVS 7.2.4; the secret before is accepted for {} more",
                written(options.renew_grace)
            ),
        ),
    });
    if options.renew_every.is_some() {
        let then = match options.on_reuse {
            OnReuse::Report => "an event reports it",
            OnReuse::End => "the session ends, and an event reports it",
        };
        rows.push(row(
            "a replaced secret comes back",
            then,
            "after its time; it opens nothing",
        ));
    }
    rows
}

/// The highest authentication assurance level whose timeouts these are.
fn assurance(idle: Duration, absolute: Duration) -> &'static str {
    if absolute <= 12 * HOUR && idle <= 15 * MINUTE {
        "AAL3"
    } else if absolute <= DAY && idle <= HOUR {
        "AAL2"
    } else if absolute <= 30 * DAY {
        "AAL1"
    } else {
        "longer than AAL1 recommends"
    }
}

fn users(options: &Options) -> Vec<Row> {
    let (most, then) = match (options.max_sessions, options.on_max_sessions) {
        (None, _) => (
            "any number".to_owned(),
            "no session ends because of another",
        ),
        (Some(most), OnMaxSessions::EndOldest) => (
            most.to_string(),
            "a further login ends the session with the earliest one",
        ),
        (Some(most), OnMaxSessions::Refuse) => (most.to_string(), "a further login is refused"),
    };
    vec![
        row("at once", most, "ASVS 7.1.2"),
        row("at the limit", then, "ASVS 7.1.2"),
    ]
}

fn sid(options: &Options) -> Vec<Row> {
    let mut rows = vec![
        row("secret", "256 random bits", "ASVS 7.2.3"),
        row("in the store", "a SHA-256 hash of the secret", ""),
    ];
    rows.extend(options.loaders.iter().map(|loader| match loader {
        SidSource::Header(name) => row("header", *name, ""),
        SidSource::Bearer => row("header", "Authorization: Bearer", "RFC 6750"),
        SidSource::Cookie(cookie) => row("cookie", attributes(cookie), "ASVS 3.3.1 to 3.3.4"),
        SidSource::Query(name) => row("query parameter", *name, "ASVS 14.2.1 advises against it"),
        SidSource::Path(name) => row("part of the path", *name, "ASVS 14.2.1 advises against it"),
        SidSource::Custom(_) => row("custom", "where a function finds it", ""),
    }));
    rows
}

fn attributes(cookie: &CookieSpec) -> String {
    let mut attributes = vec![cookie.name.to_owned(), format!("Path={}", cookie.path)];
    if let Some(domain) = cookie.domain {
        attributes.push(format!("Domain={domain}"));
    }
    if cookie.secure {
        attributes.push("Secure".to_owned());
    }
    attributes.push("HttpOnly".to_owned());
    let same_site = match cookie.same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
        SameSite::None => "None",
    };
    attributes.push(format!("SameSite={same_site}"));
    if cookie.partitioned {
        attributes.push("Partitioned".to_owned());
    }
    if cookie.persistent {
        attributes.push("kept when the browser is closed".to_owned());
    }
    if cookie.allow_any_origin {
        attributes.push("pages of any origin may use it".to_owned());
    } else if !cookie.origins.is_empty() {
        attributes.push(format!("pages of {} may use it", cookie.origins.join(", ")));
    }
    attributes.join("; ")
}

/// The requirements that the library meets, or helps the application to meet.
fn requirements(options: &Options) -> Vec<Row> {
    let library = "met";
    let application = "the application";
    let mut rows = vec![
        row("7.2.1", library, "the server checks each sid"),
        row(
            "7.2.2, 7.2.3",
            library,
            "256 bits from a CSPRNG for each session",
        ),
        row(
            "7.2.4",
            library,
            "a login gives the session a new sid, and the old one is dead",
        ),
        row(
            "7.3.1, 7.3.2",
            library,
            "both timeouts always apply, see above",
        ),
        row(
            "7.4.1",
            library,
            "a session that has ended never comes back",
        ),
        row(
            "7.4.2, 7.4.5",
            application,
            "calls `sessions().of(user).end_all()`",
        ),
        row(
            "7.4.3",
            application,
            "calls `end_others()` after a change of the password",
        ),
        row(
            "7.5.1, 7.5.3",
            application,
            "says `fresh = …` and `level = …` on its handlers",
        ),
        row(
            "7.5.2",
            application,
            "shows `of_user()`, and ends one with `end(id)`",
        ),
        row(
            "7.6.2",
            library,
            "only a handler with `create` creates a session",
        ),
    ];
    let cookies: Vec<_> = (options.loaders.iter())
        .filter_map(|loader| match loader {
            SidSource::Cookie(cookie) => Some(cookie),
            _ => None,
        })
        .collect();
    if !cookies.is_empty() {
        let all = |holds: fn(&CookieSpec) -> bool| {
            if cookies.iter().all(|cookie| holds(cookie)) {
                library
            } else {
                "with an exception, see below"
            }
        };
        let prefixed = |cookie: &CookieSpec| cookie.secure && !cookie.unprefixed;
        rows.push(row(
            "3.3.1",
            all(prefixed),
            "`Secure`, and a name with a prefix",
        ));
        rows.push(row(
            "3.3.2",
            library,
            "`SameSite`, and the origin of a request is checked",
        ));
        rows.push(row(
            "3.3.4",
            library,
            "`HttpOnly`; the sid is sent in no other way",
        ));
        let clears = all(|cookie| cookie.clear_site_data);
        let clears = if clears == library {
            library
        } else {
            application
        };
        rows.push(row("14.3.1", clears, "`Clear-Site-Data` at a logout"));
    }
    rows
}

fn exception(reason: &Reason) -> Row {
    row(reason.of, reason.option, reason.text)
}
