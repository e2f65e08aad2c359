//! What a client is told when a request cannot have its session.

use std::fmt;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use crate::data::EncodeError;
use crate::store::{BoxError, StoreError};

/// Why a session could not be had, changed or stored.
///
/// A handler may return it: it answers with its [status](Error::status) and an
/// `application/problem+json` body (RFC 9457). Neither the body, nor `Display`, nor `Debug` holds a
/// sid.
///
/// ```
/// use connect_session::{Error, ErrorKind, Session};
///
/// async fn close(session: Session) -> Result<(), Error> {
///     match session.destroy().await {
///         Err(error) if error.kind() == ErrorKind::StoreUnavailable => Err(error),
///         _ => Ok(()),
///     }
/// }
/// ```
// A word wide: the results of every request have room for an error.
pub struct Error(Box<Failure>);

struct Failure {
    kind: ErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`Error`]. Each has a problem type of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request carries no sid: 401.
    Missing,
    /// The sid of the request opens no living session: 401.
    Unknown,
    /// The request carries two different sids in one place: 400.
    Ambiguous,
    /// A request with a session cookie came from another origin: 403.
    CrossOrigin,
    /// Another request changed the same fields, and the config rejects that: 409.
    Conflict,
    /// The session ended, or was taken over by a login, while the request was under way: 409.
    Ended,
    /// The session's secret was changed by another request meanwhile: 409.
    Superseded,
    /// The session's data is larger than the config allows: 413.
    TooLarge,
    /// The stored session is not what its type expects: 500.
    Undecodable,
    /// The session's data has no encoded form: 500.
    Unencodable,
    /// The secret can no longer change: the response is already under way: 500.
    TooLate,
    /// A lifetime of zero, or an idle one longer than the absolute: 500.
    InvalidLifetime,
    /// Too many requests change the session at once; nothing was written: 503.
    Contention,
    /// The store did not say whether the change was written: 503.
    OutcomeUnknown,
    /// The store does not answer; nothing was written: 503.
    StoreUnavailable,
    /// The store has no room for another session: 503.
    StoreFull,
}

/// Where the problem types are described.
const PROBLEMS: &str = "https://docs.rs/connect-session/latest/connect_session/problem/index.html#";

impl ErrorKind {
    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::Conflict | Self::Ended | Self::Superseded => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Undecodable | Self::Unencodable | Self::TooLate | Self::InvalidLifetime => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Contention | Self::OutcomeUnknown | Self::StoreUnavailable | Self::StoreFull => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The name of the problem type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing-session",
            Self::Unknown => "unknown-session",
            Self::Ambiguous => "ambiguous-session",
            Self::CrossOrigin => "cross-origin",
            Self::Conflict => "conflict",
            Self::Ended => "session-ended",
            Self::Superseded => "superseded",
            Self::TooLarge => "too-large",
            Self::Undecodable => "undecodable",
            Self::Unencodable => "unencodable",
            Self::TooLate => "too-late",
            Self::InvalidLifetime => "invalid-lifetime",
            Self::Contention => "contention",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreFull => "store-full",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Missing => "This request needs a session",
            Self::Unknown => "The session is unknown or has expired",
            Self::Ambiguous => "The request carries two different session ids",
            Self::CrossOrigin => "This request may not come from another origin",
            Self::Conflict => "Another request changed the session meanwhile",
            Self::Ended => "The session ended while the request was under way",
            Self::Superseded => "The session was given another id meanwhile",
            Self::TooLarge => "The session would hold too much data",
            Self::Undecodable => "The stored session cannot be read",
            Self::Unencodable => "The session cannot be stored",
            Self::TooLate => {
                "The session's id can no longer change: the response is already under way"
            }
            Self::InvalidLifetime => {
                "A session's lifetime must not be zero, nor its idle timeout longer than the absolute"
            }
            Self::Contention => "Too many requests change the session at once; nothing was changed",
            Self::OutcomeUnknown => "It is not known whether the change was stored",
            Self::StoreUnavailable => "Sessions are not available at the moment",
            Self::StoreFull => "There is no room for another session at the moment",
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Failure { kind, source: None }))
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        let source = Some(source.into());
        Self(Box::new(Failure { kind, source }))
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind().status()
    }

    /// The body of the response, a problem document (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> String {
        let kind = self.kind();
        format!(
            r#"{{"type":"{PROBLEMS}{}","title":"{}","status":{}}}"#,
            kind.name(),
            kind.title(),
            kind.status().as_u16()
        )
    }

    pub(crate) fn to_response(&self) -> Response<String> {
        let mut response = Response::new(self.problem());
        *response.status_mut() = self.status();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().title())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Unavailable(_) => ErrorKind::StoreUnavailable,
            StoreError::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            StoreError::Full => ErrorKind::StoreFull,
            StoreError::Undecodable { .. } => ErrorKind::Undecodable,
            StoreError::Encode(EncodeError::TooLarge { .. }) => ErrorKind::TooLarge,
            StoreError::Encode(EncodeError::Json(_)) => ErrorKind::Unencodable,
        };
        Self::with_source(kind, error)
    }
}
