//! What goes wrong between here and a server.

use std::fmt;

use connect_session_runtime::store::{BoxError, StoreError};

/// What is wrong, and what to do about it, for the person who started the program.
#[derive(Debug)]
pub(super) struct ContextError {
    message: String,
    source: Option<BoxError>,
}

impl ContextError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
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
    fn from(fault: ContextError) -> Self {
        Self::Unavailable(fault.into())
    }
}

/// Of what is before a `#` in a password, a driver would make a host and a port, and say them.
pub(super) fn no_fragment(url: &str) -> Result<(), ContextError> {
    if url.contains('#') {
        return Err(ContextError::new(
            "the URL of the server has a `#`, which belongs to no such URL: in a password it is written as \
             `%23`",
        ));
    }
    Ok(())
}

/// Why a statement has no answer.
#[derive(Debug)]
pub(super) enum StatementError {
    /// It did nothing for sure: it was not sent, or the server said that it failed.
    NotApplied(BoxError),
    /// It was sent, and nobody knows.
    Unknown(BoxError),
}

impl StatementError {
    /// What a verb that writes says of it.
    pub(super) fn into_write_error(self) -> StoreError {
        match self {
            Self::NotApplied(error) => StoreError::Unavailable(error),
            Self::Unknown(error) => StoreError::OutcomeUnknown(error),
        }
    }

    /// What a verb that only reads says of it, or one whose txn nobody counts on.
    pub(super) fn into_read_error(self) -> StoreError {
        match self {
            Self::NotApplied(error) | Self::Unknown(error) => StoreError::Unavailable(error),
        }
    }
}

/// A column that is not what it has to be.
pub(super) fn bad_column(error: sqlx::Error) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: error.into(),
    }
}

/// A record that another version of this library wrote.
pub(super) fn unknown_format(format: i16) -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: ContextError::new(format!(
            "the record has format {format}, which another version of connect-session wrote: this one \
             reads format {}, and leaves the record as it is",
            super::FORMAT
        ))
        .into(),
    }
}
