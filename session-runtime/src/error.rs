//! The errors of a session, and the responses that report them to a client.

use std::fmt;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE};
use http::{Response, StatusCode};

use crate::data::EncodeError;
use crate::store::{BoxError, StoreError};

/// Why a session could not be loaded, created, changed or stored.
///
/// A handler may return it. The response then has the [status](Error::status) and an
/// `application/problem+json` body (RFC 9457). Neither the body nor `Display` nor `Debug` contains
/// a sid.
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
// One word wide, because every `Result` of a request reserves room for it.
pub struct Error(Box<Failure>);

struct Failure {
    kind: ErrorKind,
    source: Option<BoxError>,
    /// Values of `Set-Cookie` that expire the cookies of an ambiguous request.
    expired_cookies: Vec<HeaderValue>,
}

/// The kind of an [`Error`]. Each kind has its own problem type, and a response status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 401: the request does not carry a sid.
    Missing,
    /// 401: the sid does not open a session; it is wrong, expired or replaced.
    Unknown,
    /// 400: the request carries two different sids, or more than 32 values, in one place. If they are
    /// cookies, the response expires them.
    Ambiguous,
    /// 403: a cross-origin request uses a session cookie, or would set one.
    CrossOrigin,
    /// 409: another request changed the same fields, and the config has `on_conflict: reject`.
    Conflict,
    /// 409: the session ended, or was taken over by a login or a reset, while the request was
    /// running.
    Ended,
    /// 409: another request gave the session a new sid at the same time.
    Superseded,
    /// 401: the session belongs to no user, who could have proved who they are once more.
    LoginRequired,
    /// 409: all sessions of the user were ended during the login, as after a change of the password; or the
    /// login took longer than 15 minutes.
    LoginRevoked,
    /// 409: the user has as many sessions as `max_sessions` allows, and the config has
    /// `on_max_sessions: refuse`.
    TooManySessions,
    /// 500: the store does not know which sessions belong to a user.
    NoSubjectIndex,
    /// 413: the data is larger than the config's `max_size`.
    TooLarge,
    /// 413: the data has more fields than the config's `max_fields`.
    TooManyFields,
    /// 422: the data is nested too deep to be read back.
    TooDeep,
    /// 500: the stored data does not match the session's data type.
    Undecodable,
    /// 500: the data cannot be encoded as a JSON object, or the store cannot keep it.
    Unencodable,
    /// 500: a handler asked for a new sid after the response had started.
    TooLate,
    /// 500: the config has `commit: on_success`, and the status of the response is not known in time.
    StatusUnknown,
    /// 500: a lifetime is zero, longer than a hundred years, or its idle timeout is longer than the
    /// absolute one.
    InvalidLifetime,
    /// 503: too many requests change the session at once, or another owner of the session has held it
    /// for 20 seconds; nothing was written.
    Contention,
    /// 503: the store did not confirm whether the change was written.
    OutcomeUnknown,
    /// 503: the store is not available; nothing was written.
    StoreUnavailable,
    /// 503: a newer version of the program wrote the session's data, and this one must not change it, or
    /// cannot decode it; nothing was written. During a deployment, another instance may succeed.
    NewerData,
    /// 503: the store has no room for another session.
    StoreFull,
}

/// The page that documents the problem types.
const PROBLEMS: &str = "https://docs.rs/connect-session/latest/connect_session/problem/index.html#";

impl ErrorKind {
    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::Unknown | Self::LoginRequired => StatusCode::UNAUTHORIZED,
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::Conflict
            | Self::Ended
            | Self::Superseded
            | Self::LoginRevoked
            | Self::TooManySessions => StatusCode::CONFLICT,
            Self::TooLarge | Self::TooManyFields => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooDeep => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoSubjectIndex
            | Self::Undecodable
            | Self::Unencodable
            | Self::TooLate
            | Self::StatusUnknown
            | Self::InvalidLifetime => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Contention
            | Self::OutcomeUnknown
            | Self::StoreUnavailable
            | Self::NewerData
            | Self::StoreFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The name of the problem type, such as `unknown-session`.
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
            Self::LoginRequired => "login-required",
            Self::LoginRevoked => "login-revoked",
            Self::TooManySessions => "too-many-sessions",
            Self::NoSubjectIndex => "no-subject-index",
            Self::TooLarge => "too-large",
            Self::TooManyFields => "too-many-fields",
            Self::TooDeep => "too-deep",
            Self::Undecodable => "undecodable",
            Self::Unencodable => "unencodable",
            Self::TooLate => "too-late",
            Self::StatusUnknown => "status-unknown",
            Self::InvalidLifetime => "invalid-lifetime",
            Self::Contention => "contention",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::StoreUnavailable => "store-unavailable",
            Self::NewerData => "newer-data",
            Self::StoreFull => "store-full",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Missing => "This request needs a session",
            Self::Unknown => "The session is unknown or has expired",
            Self::Ambiguous => {
                "The request carries two different session tokens, or too many values"
            }
            Self::CrossOrigin => "This request may not come from another origin",
            Self::Conflict => "Another request changed the session",
            Self::Ended => "The session ended during the request",
            Self::Superseded => "Another request gave the session a new token",
            Self::LoginRequired => "This request needs a login",
            Self::LoginRevoked => {
                "The sessions of this user were ended during the login, or it took too long: log in again"
            }
            Self::TooManySessions => "This user has too many sessions: end another one first",
            Self::NoSubjectIndex => "The sessions of a user are not known here",
            Self::TooLarge => "The session would hold too much data",
            Self::TooManyFields => "The session would have too many fields",
            Self::TooDeep => "The session's data would be nested too deep",
            Self::Undecodable => "The stored session cannot be read",
            Self::Unencodable => "The session cannot be stored",
            Self::TooLate => "The session token can no longer change: the response has started",
            Self::StatusUnknown => {
                "The status of the response, which decides about the commit, is not known in time"
            }
            Self::InvalidLifetime => {
                "A session's lifetime must not be zero, nor its idle timeout longer than the absolute"
            }
            Self::Contention => "Too many requests change the session at once; nothing was changed",
            Self::OutcomeUnknown => "It is not known whether the change was stored",
            Self::StoreUnavailable => "Sessions are not available at the moment",
            Self::NewerData => "A newer version of the service has stored the session",
            Self::StoreFull => "There is no room for another session at the moment",
        }
    }
}

impl Error {
    /// The error of the store that caused this one.
    pub(crate) fn store_error(&self) -> Option<&StoreError> {
        self.0.source.as_ref()?.downcast_ref()
    }

    pub(crate) fn of(kind: ErrorKind) -> Self {
        Self(Box::new(Failure {
            kind,
            source: None,
            expired_cookies: Vec::new(),
        }))
    }

    /// An error for an ambiguous request, whose response expires these cookies.
    pub(crate) fn ambiguous(expired_cookies: Vec<HeaderValue>) -> Self {
        Self(Box::new(Failure {
            kind: ErrorKind::Ambiguous,
            source: None,
            expired_cookies,
        }))
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        let source = Some(source.into());
        Self(Box::new(Failure {
            kind,
            source,
            expired_cookies: Vec::new(),
        }))
    }

    /// The kind of the error.
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

    /// The response, as frameworks send it: the problem document; with a 503, `Retry-After`; and for
    /// [`Ambiguous`](ErrorKind::Ambiguous) cookies, the headers that expire them.
    ///
    /// ```
    /// use connect_session::{SessionView, session_config};
    /// use http::{Request, Response};
    ///
    /// session_config! {
    ///     struct Site { loaders: [cookie("sid")] }
    /// }
    ///
    /// async fn whoami(request: Request<()>) -> Response<String> {
    ///     match SessionView::<Site>::of_request(&request).await {
    ///         Ok(view) => Response::new(format!("{:?}", view.map(|view| view.id()))),
    ///         Err(error) => error.to_response(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        let mut response = Response::new(self.problem());
        *response.status_mut() = self.status();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let a_second = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, a_second);
        }
        let expired = &self.0.expired_cookies;
        if !expired.is_empty() {
            let no_store = HeaderValue::from_static("no-store");
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, no_store);
            for value in expired {
                headers.append(SET_COOKIE, value.clone());
            }
        }
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
            StoreError::Unstorable(_) => ErrorKind::Unencodable,
            StoreError::Undecodable { .. } => ErrorKind::Undecodable,
            StoreError::NewerData { .. } => ErrorKind::NewerData,
            StoreError::Encode(error) => kind_of(error),
        };
        Self::with_source(kind, error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::with_source(kind_of(&error), error)
    }
}

fn kind_of(error: &EncodeError) -> ErrorKind {
    match error {
        EncodeError::TooLarge { .. } => ErrorKind::TooLarge,
        EncodeError::TooManyFields { .. } => ErrorKind::TooManyFields,
        EncodeError::TooDeep { .. } => ErrorKind::TooDeep,
        EncodeError::Json(_) | EncodeError::Type(_) | EncodeError::NotReadBack { .. } => {
            ErrorKind::Unencodable
        }
    }
}
