//! The options of a config, and what makes them wrong.

use std::time::Duration;

use crate::event::Listener;
use crate::loader::{DEFAULT_HEADER, Emit, Loader, SameSite};
use crate::rules::{self, Fault};

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
    pub on_gone: OnGone,
    /// What an optional load does when the store does not answer.
    pub on_store_error: OnStoreError,
    /// Whether the changes of a handler that fails are stored.
    pub commit: CommitOn,
    /// The most bytes that the encoded data of a session may have. If `None`, 1 MiB in a store
    /// that encodes, and no limit in memory.
    pub max_size: Option<u64>,
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
pub enum OnGone {
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
pub enum CommitOn {
    /// When it did not return `Err`.
    Ok,
    /// When it returned at all.
    Always,
}

const DEFAULT_MAX_SIZE: u64 = 1 << 20;

impl Options {
    /// Every option at its default.
    #[must_use]
    pub const fn new(namespace: &'static str) -> Self {
        Self {
            namespace,
            loaders: &[Loader::Header(DEFAULT_HEADER)],
            emit: None,
            idle_timeout: Duration::from_secs(30 * 60),
            absolute_timeout: Duration::from_secs(24 * 60 * 60),
            touch_every: None,
            renew_every: None,
            renew_grace: Duration::from_secs(30),
            on_conflict: OnConflict::LastWins,
            on_gone: OnGone::Reject,
            on_store_error: OnStoreError::Reject,
            commit: CommitOn::Ok,
            max_size: None,
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
        found.note("namespace", rules::namespace(self.namespace));
        found.note("idle_timeout", rules::duration(idle));
        found.note("absolute_timeout", rules::duration(absolute));
        found.note("idle_timeout", rules::idle_within_absolute(idle, absolute));
        if let Some(touch) = self.touch_every.map(millis) {
            found.note("touch_every", rules::duration(touch));
            found.note("touch_every", rules::touch_within_idle(touch, idle));
        }
        if let Some(renew) = self.renew_every.map(millis) {
            let grace = millis(self.renew_grace);
            found.note("renew_every", rules::duration(renew));
            found.note("renew_every", rules::renew_within_absolute(renew, absolute));
            found.note("renew_grace", rules::grace(grace));
            found.note("renew_grace", rules::grace_within_renewal(grace, renew));
        }
        if let Some(size) = self.max_size {
            found.note("max_size", rules::size(size));
        }
        self.loader_problems(absolute, &mut found);
        found.0
    }

    fn loader_problems(&self, absolute: u64, found: &mut Problems) {
        if self.loaders.is_empty() {
            found
                .0
                .push("loaders: name at least one place where a sid may be".to_owned());
        }
        for loader in self.loaders {
            match *loader {
                Loader::Header(name) => found.note("header loader", rules::header_name(name)),
                Loader::Query(name) => found.note("query loader", rules::query_name(name)),
                Loader::Path(name) => found.note("path loader", rules::path_name(name)),
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
                    found.note("cookie loader", fault);
                    if cookie.persistent {
                        found.note("absolute_timeout", rules::cookie_lifetime(absolute));
                    }
                    for origin in cookie.origins {
                        found.note("origins", rules::origin(origin));
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
        self.max_size.unwrap_or(DEFAULT_MAX_SIZE)
    }
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn note(&mut self, option: &str, fault: Option<Fault>) {
        self.0
            .extend(fault.map(|fault| format!("{option}: {}", fault.reason)));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why `configure` refused: everything that is wrong, in one list. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the session config cannot be used: {}", .problems.join("; "))]
#[non_exhaustive]
pub struct ConfigureError {
    /// What is wrong, and how to mend it, one entry for each mistake.
    pub problems: Vec<String>,
}
