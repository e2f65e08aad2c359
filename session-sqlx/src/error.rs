//! Errors of statements and of the setup.

use std::fmt;

use connect_session_runtime::store::{BoxError, StoreError};

/// A message for the operator, which says what is wrong and how to fix it, and its cause.
#[derive(Debug)]
pub(crate) struct ContextError {
    message: String,
    source: Option<BoxError>,
}

impl ContextError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ContextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<ContextError> for StoreError {
    fn from(error: ContextError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Why a statement failed, by whether it may have changed something.
#[derive(Debug)]
pub(crate) enum StatementError {
    /// It certainly changed nothing: it was not sent, or the database reported an error.
    NotApplied(BoxError),
    /// It was sent, and its outcome is unknown.
    Unknown(BoxError),
}

impl StatementError {
    /// The error of an operation that writes.
    pub(crate) fn into_write_error(self) -> StoreError {
        match self {
            Self::NotApplied(error) => StoreError::Unavailable(error),
            Self::Unknown(error) => StoreError::OutcomeUnknown(error),
        }
    }

    /// The error of an operation that only reads, or whose writes need not be reported.
    pub(crate) fn into_read_error(self) -> StoreError {
        StoreError::Unavailable(self.into_inner())
    }

    pub(crate) fn into_inner(self) -> BoxError {
        match self {
            Self::NotApplied(error) | Self::Unknown(error) => error,
        }
    }

    /// Whether the connection failed, rather than that the server did not answer in time.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Unknown(error) if error.is::<sqlx::Error>())
    }

    /// The driver's error, whether the statement may have changed something or not.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn driver_error(&self) -> Option<&sqlx::Error> {
        match self {
            Self::NotApplied(error) | Self::Unknown(error) => error.downcast_ref(),
        }
    }

    /// The driver's error, if the statement certainly changed nothing.
    pub(crate) fn not_applied(&self) -> Option<&sqlx::Error> {
        match self {
            Self::NotApplied(error) => error.downcast_ref(),
            Self::Unknown(_) => None,
        }
    }
}

/// A column whose value is of the wrong type.
pub(crate) fn bad_column(error: sqlx::Error) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: error.into(),
    }
}

/// A record that another version of this library wrote.
pub(crate) fn unknown_format(format: i16) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: format!(
            "the record has format {format} and was written by another version of connect-session; \
             this version only reads format {}. The record was not changed",
            crate::FORMAT
        )
        .into(),
    }
}

/// The table does not exist.
pub(crate) fn missing_table(place: &str, store: &str) -> ContextError {
    ContextError::new(format!(
        "{place}: there is no such table, or none of its subjects: call `.migrate().await?` on the store, or run \
         the SQL of `{store}::SCHEMA`"
    ))
}

/// The table was created by a version of this library that did not know which sessions belong to whom.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) fn missing_index(place: &str, fix: &str) -> ContextError {
    ContextError::new(format!(
        "{place}: the table lacks the index of the sessions of each user: run `{fix}`"
    ))
}

/// The table belongs to another program, or to another version of this library.
pub(crate) fn wrong_columns(place: &str, error: impl Into<BoxError>) -> ContextError {
    ContextError::new(format!(
        "{place}: the table does not have the columns of this version of connect-session: drop it, which \
         ends its sessions, or choose another one with `.table(…)`"
    ))
    .caused_by(error)
}
