//! The type of a handler's session argument, and the mode of its attribute.

use crate::config::SessionConfig;
use crate::session::Session;

/// The mode `create`: the session of the request, or a new one.
#[derive(Debug)]
pub struct Create;

/// The mode `create, lazy`: the same, but a new session is stored only if the handler uses it.
#[derive(Debug)]
pub struct CreateLazily;

/// The mode `load`: the session of the request.
#[derive(Debug)]
pub struct Load;

/// A type that a handler can take as its session: `Session<C>` or `Option<Session<C>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session argument",
    label = "neither `Session<…>` nor `Option<Session<…>>`",
    note = "a `Session` of another library has no attribute here",
    note = "take the session by value: `session: Session<Shop>`, or `session: Option<Session<Shop>>` where it may be missing"
)]
pub trait SessionArg: Sized + Send {
    /// The config that the type names.
    type Config: SessionConfig;
    /// Whether the handler also runs without a session.
    const OPTIONAL: bool;

    /// Converts an opened session into the argument; `None` if the argument requires a session and
    /// there is none.
    fn from_session(session: Option<Session<Self::Config>>) -> Option<Self>;

    /// The session, if there is one.
    fn session_mut(&mut self) -> Option<&mut Session<Self::Config>>;
}

impl<C: SessionConfig> SessionArg for Session<C> {
    type Config = C;
    const OPTIONAL: bool = false;

    fn from_session(session: Option<Self>) -> Option<Self> {
        session
    }

    fn session_mut(&mut self) -> Option<&mut Self> {
        Some(self)
    }
}

impl<C: SessionConfig> SessionArg for Option<Session<C>> {
    type Config = C;
    const OPTIONAL: bool = true;

    fn from_session(session: Self) -> Option<Self> {
        Some(session)
    }

    fn session_mut(&mut self) -> Option<&mut Session<C>> {
        self.as_mut()
    }
}

/// What a handler does if the request has no session.
pub trait Mode: Send + 'static {
    /// Whether a new session is created then.
    const CREATES: bool;
    /// Whether that is stored only if the handler uses it.
    const IS_LAZY: bool = false;
}

impl Mode for Create {
    const CREATES: bool = true;
}

impl Mode for CreateLazily {
    const CREATES: bool = true;
    const IS_LAZY: bool = true;
}

impl Mode for Load {
    const CREATES: bool = false;
}

/// A mode that fits a session argument. Only [`split`](super::split) requires it, so that a mismatch
/// is one error and the framework still accepts the handler.
#[diagnostic::on_unimplemented(
    message = "`#[session(create)]` always gives its handler a `Session<…>` of connect-session, not `{S}`",
    label = "the handler of this mode never gets `None`",
    note = "take `Session<…>`, or write `#[session(load)]` where the session may be missing"
)]
pub trait CompatibleWith<S: SessionArg>: Mode {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> CompatibleWith<Session<C>> for Create {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> CompatibleWith<Session<C>> for CreateLazily {}

impl<S: SessionArg> CompatibleWith<S> for Load {}
