//! The errors of a session, and the responses that report them to a client.

mod kind;

use std::fmt;
use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};

pub use self::kind::ErrorKind;
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
    detail: Detail,
}

/// What the response says beyond the kind.
enum Detail {
    None,
    /// Values of `Set-Cookie` that expire the cookies of an ambiguous request.
    ExpiredCookies(Vec<HeaderValue>),
    /// How long ago the user may have proved who they are.
    MaxAge(Duration),
    /// The level that the session needs.
    Level(u8),
}

/// The page that documents the problem types.
const PROBLEMS: &str = "https://docs.rs/connect-session/latest/connect_session/problem/index.html#";

/// The URL that is the problem type of this kind.
pub(crate) fn problem_type(kind: ErrorKind) -> String {
    format!("{PROBLEMS}{}", kind.name())
}

impl Error {
    /// The error of the store that caused this one.
    pub(crate) fn store_error(&self) -> Option<&StoreError> {
        self.0.source.as_ref()?.downcast_ref()
    }

    pub(crate) fn of(kind: ErrorKind) -> Self {
        Self::new(kind, None, Detail::None)
    }

    /// An error for an ambiguous request, whose response expires these cookies.
    pub(crate) fn ambiguous(expired_cookies: Vec<HeaderValue>) -> Self {
        let detail = Detail::ExpiredCookies(expired_cookies);
        Self::new(ErrorKind::Ambiguous, None, detail)
    }

    /// The user proved who they are longer ago than this.
    pub(crate) fn too_old(max_age: Duration) -> Self {
        let detail = Detail::MaxAge(max_age);
        Self::new(ErrorKind::ReauthenticationRequired, None, detail)
    }

    /// The session has a lower level than this.
    pub(crate) fn too_low(level: u8) -> Self {
        Self::new(ErrorKind::StepUpRequired, None, Detail::Level(level))
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        Self::new(kind, Some(source.into()), Detail::None)
    }

    fn new(kind: ErrorKind, source: Option<BoxError>, detail: Detail) -> Self {
        Self(Box::new(Failure {
            kind,
            source,
            detail,
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

    /// The body of the response, a problem document (RFC 9457). With
    /// [`ReauthenticationRequired`](ErrorKind::ReauthenticationRequired) it has `max_age`, in seconds, and
    /// with [`StepUpRequired`](ErrorKind::StepUpRequired) `level`.
    #[must_use]
    pub fn problem(&self) -> String {
        let kind = self.kind();
        let detail = match &self.0.detail {
            Detail::None | Detail::ExpiredCookies(_) => String::new(),
            Detail::MaxAge(max_age) => format!(r#","max_age":{}"#, max_age.as_secs()),
            Detail::Level(level) => format!(r#","level":{level}"#),
        };
        format!(
            r#"{{"type":"{}","title":"{}","status":{}{detail}}}"#,
            problem_type(kind),
            kind.title(),
            kind.status().as_u16()
        )
    }

    /// The value of `WWW-Authenticate` for a 401, which needs one (RFC 9110, 15.5.2). `challenge` is that
    /// of the handler's loaders. An error about the login says what the login lacks (RFC 9470, 3).
    pub(crate) fn challenge(&self, challenge: &'static str) -> HeaderValue {
        let detail = match (&self.0.detail, self.kind()) {
            (Detail::MaxAge(max_age), _) => format!(r#", max_age="{}""#, max_age.as_secs()),
            (Detail::Level(level), _) => format!(r#", acr_values="{level}""#),
            (_, ErrorKind::LoginRequired | ErrorKind::ReauthenticationRequired) => String::new(),
            _ => return HeaderValue::from_static(challenge),
        };
        let scheme = challenge.split(' ').next().unwrap_or(challenge);
        let value = format!(r#"{scheme} error="insufficient_user_authentication"{detail}"#);
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(challenge))
    }

    /// The response, as frameworks send it: the problem document; with a 401, a challenge; with a 503,
    /// `Retry-After`; and for [`Ambiguous`](ErrorKind::Ambiguous) cookies, the headers that expire them.
    ///
    /// ```
    /// use connect_session::{SessionView, session_config};
    /// use http::{Request, Response};
    ///
    /// session_config! {
    ///     struct Site { loaders: [cookie("__Host-sid")] }
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
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = self.challenge("Session");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Detail::ExpiredCookies(expired) = &self.0.detail
            && !expired.is_empty()
        {
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
