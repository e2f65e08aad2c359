//! The kinds of errors, with their problem types.

use http::StatusCode;

/// The kind of an [`Error`](super::Error). Each kind has its own problem type, and a response status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 401: the request does not carry a sid.
    Missing,
    /// 401: the sid does not open a session: it is wrong, or the session has a new one or has ended.
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
    /// 401: the session ended because its user logged in elsewhere and may have no more than
    /// `max_sessions`. A request with a sid that is wrong gets [`Unknown`](Self::Unknown) instead.
    SessionReplaced,
    /// 401: the session belongs to no user.
    LoginRequired,
    /// 401: the user proved who they are too long ago: ask for the password again, and call
    /// [`reauthenticate`](crate::session::Session::reauthenticate).
    ReauthenticationRequired,
    /// 401: the user has to prove who they are with a further factor; see
    /// [`step_up`](crate::session::Session::step_up).
    StepUpRequired,
    /// 409: all sessions of the user were ended during the login, as after a change of the password; or the
    /// login took longer than 15 minutes.
    LoginRevoked,
    /// 409: the user has as many sessions as `max_sessions` allows, and the config has
    /// `on_max_sessions: refuse`.
    TooManySessions,
    /// 500: the store does not know which sessions belong to a user.
    NoSubjectIndex,
    /// 500: a login got an attempt that began on another store than that of the session.
    StoreMismatch,
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

impl ErrorKind {
    /// Every kind, in the order of their declaration.
    pub(crate) const ALL: [Self; 28] = [
        Self::Missing,
        Self::Unknown,
        Self::Ambiguous,
        Self::CrossOrigin,
        Self::Conflict,
        Self::Ended,
        Self::Superseded,
        Self::SessionReplaced,
        Self::LoginRequired,
        Self::ReauthenticationRequired,
        Self::StepUpRequired,
        Self::LoginRevoked,
        Self::TooManySessions,
        Self::NoSubjectIndex,
        Self::StoreMismatch,
        Self::TooLarge,
        Self::TooManyFields,
        Self::TooDeep,
        Self::Undecodable,
        Self::Unencodable,
        Self::TooLate,
        Self::StatusUnknown,
        Self::InvalidLifetime,
        Self::Contention,
        Self::OutcomeUnknown,
        Self::StoreUnavailable,
        Self::NewerData,
        Self::StoreFull,
    ];

    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing
            | Self::Unknown
            | Self::SessionReplaced
            | Self::LoginRequired
            | Self::ReauthenticationRequired
            | Self::StepUpRequired => StatusCode::UNAUTHORIZED,
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
            | Self::StoreMismatch
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
            Self::SessionReplaced => "session-replaced",
            Self::LoginRequired => "login-required",
            Self::ReauthenticationRequired => "reauthentication-required",
            Self::StepUpRequired => "step-up-required",
            Self::LoginRevoked => "login-revoked",
            Self::TooManySessions => "too-many-sessions",
            Self::NoSubjectIndex => "no-subject-index",
            Self::StoreMismatch => "store-mismatch",
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

    pub(crate) const fn title(self) -> &'static str {
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
            Self::SessionReplaced => {
                "The session ended because its user logged in elsewhere: log in again"
            }
            Self::LoginRequired => "This request needs a login",
            Self::ReauthenticationRequired => "This request needs a recent login: log in again",
            Self::StepUpRequired => "This request needs a login with a further factor",
            Self::LoginRevoked => {
                "The sessions of this user were ended during the login, or it took too long: log in again"
            }
            Self::TooManySessions => "This user has too many sessions: end another one first",
            Self::NoSubjectIndex => "The sessions of a user are not known here",
            Self::StoreMismatch => "The login began on another store than that of its session",
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
