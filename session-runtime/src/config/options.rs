//! The options of a config, and what makes them wrong.

use std::fmt;
use std::time::Duration;

use crate::event::Listener;
use crate::loader::{DEFAULT_HEADER, Emit, Loader, SameSite};
use crate::printable;
use connect_session_rules::{self as rules, Fault};

/// Everything that `session_config!` declares beside the types, as `configure` can change it before
/// the first request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// The first part of every record's key: a sid of one namespace is unknown in any other.
    pub namespace: &'static str,
    /// Where a sid is looked for, in this order.
    pub loaders: &'static [Loader],
    /// Where a first sid is sent; without it, to the first loader that is a header or a cookie.
    pub emit: Option<Emit>,
    /// How long a session lives without any request.
    pub idle_timeout: Duration,
    /// How long a session lives whatever happens.
    pub absolute_timeout: Duration,
    /// How much of the idle time must have passed before a request writes the deadline anew; a
    /// tenth of the idle timeout if `None`. A session may end up to that much early, never late.
    pub touch_every: Option<Duration>,
    /// How old a secret gets before the client is offered another one; never if `None`.
    pub renew_every: Option<Duration>,
    /// How long a secret stays good after its successor was first used.
    pub renew_grace: Duration,
    /// What becomes of a change that cannot be merged.
    pub on_conflict: OnConflict,
    /// What a client is told when its session ended while the request was under way.
    pub on_ended: OnEnded,
    /// What an optional load does when the store does not answer.
    pub on_store_error: OnStoreError,
    /// Whether the changes of a handler that fails are stored.
    pub commit: Commit,
    /// The most bytes that the encoded data of a session may have. If `None`, 1 MiB in a store
    /// that encodes, and no limit in memory.
    pub max_size: Option<u64>,
    /// The most top-level fields that the data of a session may have. Of untyped data, each key is a
    /// field.
    pub max_fields: u64,
    /// Who hears of events.
    pub on_event: Option<Listener>,
}

/// What becomes of a change that cannot be merged with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The last one wins, and an event says which fields it overwrote.
    LastWins,
    /// Nothing is written, and the client gets a 409.
    Reject,
}

/// What a client is told when its session ended while the request was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnded {
    /// A 409 `session-ended`.
    Reject,
    /// The handler's response stands.
    Ignore,
}

/// What an optional load does when the store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStoreError {
    /// A 503.
    Reject,
    /// The handler runs without a session.
    Anonymous,
}

/// When the changes of a handler are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// When it did not return `Err`.
    OnOk,
    /// When it returned at all.
    Always,
}

impl Options {
    /// Every option at its default.
    #[must_use]
    pub const fn new(namespace: &'static str) -> Self {
        Self {
            namespace,
            loaders: &[Loader::Header(DEFAULT_HEADER)],
            emit: None,
            idle_timeout: Duration::from_millis(rules::DEFAULT_IDLE),
            absolute_timeout: Duration::from_millis(rules::DEFAULT_ABSOLUTE),
            touch_every: None,
            renew_every: None,
            renew_grace: Duration::from_millis(rules::DEFAULT_GRACE),
            on_conflict: OnConflict::LastWins,
            on_ended: OnEnded::Reject,
            on_store_error: OnStoreError::Reject,
            commit: Commit::OnOk,
            max_size: None,
            max_fields: rules::DEFAULT_MAX_FIELDS,
            on_event: None,
        }
    }

    /// Lets pages of these origins too send requests that change something with the session's
    /// cookie: for `configure` of the config, where an origin comes from the
    /// environment. It adds to the `origins` of every cookie loader, and means nothing without one.
    ///
    /// ```
    /// use connect_session::session_config;
    ///
    /// session_config! {
    ///     struct Site { loaders: [cookie("__Host-sid")] }
    /// }
    ///
    /// let app = std::env::var("APP_ORIGIN").unwrap_or("https://app.example.com".to_owned());
    /// Site::configure(|options| options.allow_origins([app]))?;
    /// # Ok::<(), connect_session::ConfigureError>(())
    /// ```
    pub fn allow_origins<O: Into<String>>(&mut self, origins: impl IntoIterator<Item = O>) {
        // Once a process and config: what `configure` sets is there to stay.
        let added: Vec<&'static str> = origins
            .into_iter()
            .map(|origin| &*String::leak(origin.into()))
            .collect();
        let mut loaders = self.loaders.to_vec();
        for loader in &mut loaders {
            if let Loader::Cookie(cookie) = loader {
                cookie.origins = Vec::leak([cookie.origins, &*added].concat());
            }
        }
        self.loaders = Vec::leak(loaders);
    }

    /// Everything that is wrong, by the rules that the compiler holds over a declaration.
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
        self.loader_problems(absolute, &mut found);
        found.0
    }

    fn loader_problems(&self, absolute: u64, found: &mut Problems) {
        if self.loaders.is_empty() {
            found
                .0
                .push("loaders: name at least one place where a sid may be".to_owned());
        }
        for (at, loader) in self.loaders.iter().enumerate() {
            let twice = self.loaders[..at]
                .iter()
                .find_map(|first| same(first, loader));
            found
                .0
                .extend(twice.map(|what| format!("loaders: {what} is read twice; leave one out")));
            match *loader {
                Loader::Header(name) => found.text("header loader", name, rules::header_name(name)),
                Loader::Query(name) => found.text("query loader", name, rules::query_name(name)),
                Loader::Path(name) => found.text("path loader", name, rules::path_name(name)),
                Loader::Bearer | Loader::Custom(_) => {}
                Loader::Cookie(cookie) => {
                    let same_site_is_none = cookie.same_site == SameSite::None;
                    let fault = rules::cookie(
                        cookie.name,
                        cookie.path,
                        cookie.domain,
                        cookie.secure,
                        same_site_is_none,
                        cookie.partitioned,
                    );
                    // The fault may be of any of its attributes, so its place is not shown.
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
            .any(|loader| matches!(loader, Loader::Cookie(_)));
        let reads_other = self
            .loaders
            .iter()
            .any(|loader| !matches!(loader, Loader::Cookie(_)));
        if self.emit == Some(Emit::Cookie) && !reads_cookie {
            found.0.push(
                "emit: no loader reads a cookie, so the client could never send it back".to_owned(),
            );
        }
        if self.emit == Some(Emit::Header) && !reads_other {
            found.0.push(
                "emit: no loader reads a header, so the client could never send it back".to_owned(),
            );
        }
    }

    /// The limit for a store that encodes.
    pub(crate) fn encoded_limit(&self) -> u64 {
        self.max_size.unwrap_or(rules::DEFAULT_MAX_SIZE)
    }
}

/// What two loaders both read.
fn same(a: &Loader, b: &Loader) -> Option<String> {
    let (kind, name, is_same) = match (*a, *b) {
        (Loader::Bearer, Loader::Bearer) => return Some("`Authorization: Bearer`".to_owned()),
        (Loader::Header(a), Loader::Header(b)) => ("header", a, rules::same_name(a, b)),
        (Loader::Cookie(a), Loader::Cookie(b)) => ("cookie", a.name, a.name == b.name),
        (Loader::Query(a), Loader::Query(b)) => ("query parameter", a, a == b),
        (Loader::Path(a), Loader::Path(b)) => ("path parameter", a, a == b),
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

    /// The character at which a text is wrong is named.
    fn text(&mut self, option: &str, value: &str, fault: Option<Fault>) {
        let Some(fault) = fault else { return };
        let culprit = fault
            .at
            .and_then(|at| Some((at, value.get(at..)?.chars().next()?)));
        let place = culprit.map_or_else(String::new, |(at, character)| {
            format!(" the character {character:?} at byte {at} is wrong;")
        });
        self.0.push(format!(
            "{option}: {}:{place} {}",
            quoted(value),
            fault.reason
        ));
    }
}

/// The beginning of a text, in one line.
fn quoted(value: &str) -> String {
    format!("`{}`", printable::name(value))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why `configure` refused: everything that is wrong, in one list. Nothing was changed.
///
/// Its `Debug` is its message, because a `main` that returns it is ended with that.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the options of {config} cannot be used: {}", .problems.join("; "))]
#[non_exhaustive]
pub struct ConfigureError {
    /// The name of the config.
    pub config: &'static str,
    /// What is wrong, and how to fix it, one entry for each mistake.
    pub problems: Vec<String>,
}

impl fmt::Debug for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
