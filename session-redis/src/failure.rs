//! Why a command failed, and whether it may have been executed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{RedisError, ServerError, ServerErrorKind};

use super::slots::HostPort;
use connect_session_runtime::printable;
use connect_session_runtime::store::StoreError;

/// A command without a reply, or with an error reply.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// The command was not sent.
    #[error("there is no connection to Redis at {server}: {why}")]
    NotSent { server: Arc<str>, why: Arc<str> },
    /// The server replied with an error. It does so before it changes anything.
    #[error("Redis at {server} refused: {why}")]
    Refused {
        server: Arc<str>,
        why: Arc<str>,
        code: Arc<str>,
        kind: Option<ServerErrorKind>,
    },
    /// The command may have been executed.
    #[error("{0}")]
    OutcomeUnknown(Arc<str>),
}

impl Failure {
    pub(super) fn not_sent(server: &dyn fmt::Display, why: impl fmt::Display) -> Self {
        Self::NotSent {
            server: server.to_string().into(),
            // Some of the driver's messages have several lines.
            why: one_line(&why.to_string()).into(),
        }
    }

    pub(super) fn no_reply_in_time(server: &dyn fmt::Display, after: Duration) -> Self {
        Self::not_sent(server, format_args!("it did not answer within {after:?}"))
    }

    /// An error while connecting, before the command was sent.
    pub(super) fn while_connecting(server: &dyn fmt::Display, error: RedisError) -> Self {
        match ServerError::try_from(error) {
            Ok(error) => Self::refused(server, &error),
            Err(error) => Self::not_sent(server, error),
        }
    }

    /// An error after a command was sent.
    pub(super) fn after_sending(server: &dyn fmt::Display, error: RedisError) -> Self {
        match ServerError::try_from(error) {
            Ok(error) => Self::refused(server, &error),
            Err(error) => Self::OutcomeUnknown(
                format!(
                    "Redis at {server} did not reply in time, or the connection was lost: {}",
                    one_line(&error.to_string())
                )
                .into(),
            ),
        }
    }

    pub(super) fn too_few_replicas(
        server: &dyn fmt::Display,
        confirmed: u32,
        required: u32,
    ) -> Self {
        Self::OutcomeUnknown(
            format!(
                "{confirmed} of {required} required replicas of Redis at {server} confirmed the change"
            )
            .into(),
        )
    }

    fn refused(server: &dyn fmt::Display, error: &ServerError) -> Self {
        // The text after this quotes the arguments, which may be secret.
        let details = error.details().unwrap_or_default();
        let details = details.split(", with args").next().unwrap_or_default();
        Self::Refused {
            server: server.to_string().into(),
            why: one_line(&format!("{} {details}", error.code())).into(),
            code: error.code().into(),
            kind: error.kind(),
        }
    }

    pub(super) fn kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Refused { kind, .. } => *kind,
            _ => None,
        }
    }

    pub(super) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// The address in a `MOVED` or `ASK` error.
    pub(super) fn redirect(&self) -> Option<HostPort> {
        let Self::Refused { why, .. } = self else {
            return None;
        };
        let (host, port) = why.split(' ').nth(2)?.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    }

    /// The error of an operation that writes.
    pub(super) fn into_write_error(self) -> StoreError {
        match self {
            Self::OutcomeUnknown(_) => StoreError::OutcomeUnknown(self.into()),
            Self::NotSent { .. } | Self::Refused { .. } => StoreError::Unavailable(self.into()),
        }
    }

    /// The error of an operation that only reads, or whose write may be lost.
    pub(super) fn into_read_error(self) -> StoreError {
        StoreError::Unavailable(self.into())
    }
}

/// A message of the driver or the server: spaces in place of line ends, the rest as it prints.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    printable::message(&words.join(" "))
}
