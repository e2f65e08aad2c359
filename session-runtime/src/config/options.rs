//! The options of a config.

use std::num::NonZeroU32;
use std::time::Duration;

use super::TrustedProxy;
use crate::data::{DataFormat, Migrate};
use crate::event::Listener;
use crate::loader::{DEFAULT_HEADER, Emit, SidSource};
pub use crate::record::OnMaxSessions;
use crate::record::SessionLimit;
use connect_session_rules as rules;

/// The options that `session_config!` declares. `configure` can change them before the first request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// The first part of every record's key. A sid of one namespace is unknown in every other.
    pub namespace: &'static str,
    /// The places in a request that may carry a sid, tried in this order.
    pub loaders: &'static [SidSource],
    /// How the sid of a new session is sent. If `None`, the first loader of a header or cookie
    /// decides.
    pub emit: Option<Emit>,
    /// The time without a request after which a session ends.
    ///
    /// A session keeps the timeouts with which it was created, also after a deployment that changes
    /// them; `Session::set_lifetime` changes those of a living one.
    pub idle_timeout: Duration,
    /// The time after which a session ends in any case.
    pub absolute_timeout: Duration,
    /// How long a new session lives if no later request presents its sid; `None` for as long as any other
    /// session. A login or a save in the request that creates it makes no difference.
    pub first_use_timeout: Option<Duration>,
    /// The minimum time between two writes of the idle deadline; a tenth of the idle timeout if
    /// `None`. A session may end earlier by up to this time, but never later.
    pub touch_every: Option<Duration>,
    /// The age of a secret at which the client is offered a new one; never if `None`.
    pub renew_every: Option<Duration>,
    /// How long a secret stays valid after its successor was first used.
    pub renew_grace: Duration,
    /// What happens if a secret that a renewal replaced is presented after its grace period.
    pub on_reuse: OnReuse,
    /// What happens to a change that cannot be merged.
    pub on_conflict: OnConflict,
    /// The response if the session ended during the request.
    pub on_ended: OnEnded,
    /// What an optional load does if the store fails.
    pub on_store_error: OnStoreError,
    /// What a load does if the data of the stored session does not decode.
    pub on_undecodable: OnUndecodable,
    /// How many sessions a user may have; any number if `None`.
    pub max_sessions: Option<u64>,
    /// What happens to a login of a user who has that many.
    pub on_max_sessions: OnMaxSessions,
    /// Which changes of a handler are stored.
    pub commit: Commit,
    /// The largest size of a session's encoded data and its subject, in bytes. If `None`, 1 MiB in a
    /// serializing store, and no limit in memory.
    pub max_size: Option<u64>,
    /// The version of the data's type, at least 1. A program never writes data into a session whose
    /// data has a later version.
    pub data_version: u64,
    /// The version under which data is written; `data_version` if `None`. A release that reads version 2
    /// but still writes version 1 can run beside its predecessor.
    pub write_version: Option<u64>,
    /// Brings the stored fields of an earlier version to `data_version`, when they are loaded.
    pub migrate: Option<Migrate>,
    /// The largest number of top-level fields of a session's data. In untyped data, each key is a
    /// field.
    pub max_fields: u64,
    /// The headers of a reverse proxy that are trusted; none if `None`.
    pub trusted_proxy: Option<TrustedProxy>,
    /// The function that receives events.
    pub on_event: Option<Listener>,
}

/// What happens if the last secret that a renewal replaced is presented after its grace period: somebody
/// has a copy of it, or a client did not store its successor.
///
/// The request is refused in any case, as one with an unknown sid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnReuse {
    /// An event reports it: [`EventKind::SecretReused`](crate::event::EventKind::SecretReused).
    Report,
    /// The session ends, too.
    End,
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

/// What a load does if the data of the stored session does not decode.
///
/// A record that cannot be read at all, such as one that is damaged, in the format of another version of this
/// library, or sealed with a key that the program does not have, is never ended: it is an error, and `create` makes a
/// new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUndecodable {
    /// The client gets a 500, and the session is left as it is. `create` makes a new one and, once
    /// that is stored, ends the old one.
    Reject,
    /// The session is ended, and counts as unknown: `create` makes a new one.
    Replace,
}

/// When the changes of a handler are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// If it did not return `Err`.
    OnOk,
    /// If it did not return `Err`, and the status of its response is below 400. On actix-web and
    /// rocket, the app-wide layer commits, and without it a handler with a session is refused with
    /// [`ErrorKind::StatusUnknown`](crate::error::ErrorKind::StatusUnknown).
    OnSuccess,
    /// If it returned anything, even `Err`.
    Always,
}

impl Options {
    /// Every option at its default.
    #[must_use]
    pub const fn new(namespace: &'static str) -> Self {
        Self {
            namespace,
            loaders: &[SidSource::Header(DEFAULT_HEADER)],
            emit: None,
            idle_timeout: Duration::from_millis(rules::DEFAULT_IDLE),
            absolute_timeout: Duration::from_millis(rules::DEFAULT_ABSOLUTE),
            first_use_timeout: None,
            touch_every: None,
            renew_every: None,
            renew_grace: Duration::from_millis(rules::DEFAULT_GRACE),
            on_reuse: OnReuse::Report,
            on_conflict: OnConflict::LastWins,
            on_ended: OnEnded::Reject,
            on_store_error: OnStoreError::Reject,
            on_undecodable: OnUndecodable::Reject,
            max_sessions: None,
            on_max_sessions: OnMaxSessions::EndOldest,
            commit: Commit::OnOk,
            max_size: None,
            data_version: 1,
            write_version: None,
            migrate: None,
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
            if let SidSource::Cookie(cookie) = loader {
                cookie.origins = Vec::leak([cookie.origins, &*added].concat());
            }
        }
        self.loaders = Vec::leak(loaders);
    }

    /// The format of the data.
    pub(crate) fn data_format(&self) -> DataFormat {
        // The rules allow no larger version.
        let version = |version| u32::try_from(version).unwrap_or(u32::MAX);
        let written = self.write_version.unwrap_or(self.data_version);
        DataFormat::new(version(self.data_version), version(written), self.migrate)
    }

    /// The limit on the sessions of a user.
    pub(crate) fn session_limit(&self) -> Option<SessionLimit> {
        let max = u32::try_from(self.max_sessions?).unwrap_or(u32::MAX);
        Some(SessionLimit {
            max: NonZeroU32::new(max)?,
            when_reached: self.on_max_sessions,
        })
    }

    /// The size limit in a serializing store.
    pub(crate) fn encoded_limit(&self) -> u64 {
        self.max_size.unwrap_or(rules::DEFAULT_MAX_SIZE)
    }
}
