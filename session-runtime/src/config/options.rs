//! The options of a config, and their validation.

use std::fmt;
use std::time::Duration;

use super::TrustedProxy;
use crate::event::Listener;
use crate::loader::{DEFAULT_HEADER, Emit, Loader, SameSite};
use crate::printable;
use connect_session_rules::{self as rules, Fault};

/// The options that `session_config!` declares. `configure` can change them before the first request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// The first part of every record's key. A sid of one namespace is unknown in every other.
    pub namespace: &'static str,
    /// The places in a request that may carry a sid, tried in this order.
    pub loaders: &'static [Loader],
    /// How the sid of a new session is sent. If `None`, the first loader of a header or cookie
    /// decides.
    pub emit: Option<Emit>,
    /// The time without a request after which a session ends.
    pub idle_timeout: Duration,
    /// The time after which a session ends in any case.
    pub absolute_timeout: Duration,
    /// The minimum time between two writes of the idle deadline; a tenth of the idle timeout if
    /// `None`. A session may end earlier by up to this time, but never later.
    pub touch_every: Option<Duration>,
    /// The age of a secret at which the client is offered a new one; never if `None`.
    pub renew_every: Option<Duration>,
    /// How long a secret stays valid after its successor was first used.
    pub renew_grace: Duration,
    /// What happens to a change that cannot be merged.
    pub on_conflict: OnConflict,
    /// The response if the session ended during the request.
    pub on_ended: OnEnded,
    /// What an optional load does if the store fails.
    pub on_store_error: OnStoreError,
    /// Whether the changes of a failed handler are stored.
    pub commit: Commit,
    /// The largest size of a session's encoded data, in bytes. If `None`, 1 MiB in a serializing
    /// store, and no limit in memory.
    pub max_size: Option<u64>,
    /// The largest number of top-level fields of a session's data. In untyped data, each key is a
    /// field.
    pub max_fields: u64,
    /// The headers of a reverse proxy that are trusted; none if `None`.
    pub trusted_proxy: Option<TrustedProxy>,
    /// The function that receives events.
    pub on_event: Option<Listener>,
}

/// What happens to a change that cannot be merged with a concurrent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The last change wins, and an event lists the fields that it overwrote.
    LastWins,
    /// Nothing is written, and the client gets a 409.
    Reject,
}

/// The response if the session ended during the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnded {
    /// A 409 `session-ended`.
    Reject,
    /// The handler's response.
    Ignore,
}

/// What an optional load does if the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStoreError {
    /// The client gets a 503.
    Reject,
    /// The handler runs without a session.
    Anonymous,
}

/// When the changes of a handler are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// If it did not return `Err`.
    OnOk,
    /// If it returned anything, even `Err`.
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
            trusted_proxy: None,
            on_event: None,
        }
    }

    /// Lets pages of these origins send state-changing requests with the session's cookie, too.
    ///
    /// Use it in `configure` for origins that come from the environment. It extends the `origins` of
    /// every cookie loader; without one, it has no effect.
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
        // Leaked: the options of a config live as long as the process.
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
            .any(|loader| matches!(loader, Loader::Cookie(_)));
        let reads_other = self
            .loaders
            .iter()
            .any(|loader| !matches!(loader, Loader::Cookie(_)));
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

    /// The size limit in a serializing store.
    pub(crate) fn encoded_limit(&self) -> u64 {
        self.max_size.unwrap_or(rules::DEFAULT_MAX_SIZE)
    }
}

/// The place that two loaders read, if it is the same.
fn shared_place(a: &Loader, b: &Loader) -> Option<String> {
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
