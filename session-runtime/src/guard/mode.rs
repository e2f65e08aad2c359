//! The type of a handler's session argument, and the mode of its attribute.

use crate::config::SessionConfig;
use crate::session::{LoggedIn, Session};

/// The mode `create`: the session of the request, or a new one.
#[derive(Debug)]
pub struct Create;

/// The mode `create, lazy`: the same, but a new session is stored only if the handler uses it.
#[derive(Debug)]
pub struct CreateLazily;

/// The mode `load`: the session of the request.
#[derive(Debug)]
pub struct Load;

/// A type that a handler can take as its session: `Session<C>`, `LoggedIn<C>`, or an `Option` of either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session argument",
    label = "neither `Session<…>`, `LoggedIn<…>` nor an `Option` of one",
    note = "a `Session` of another library has no attribute here",
    note = "take the session by value: `session: Session<Shop>`, or `session: Option<Session<Shop>>` where it may be missing"
)]
pub trait SessionArg: Sized + Send {
    /// The config that the type names.
    type Config: SessionConfig;
    /// Whether the handler also runs without a session.
    const OPTIONAL: bool;
    /// Whether a session that belongs to no user counts as none.
    const NEEDS_LOGIN: bool = false;

    /// Converts an opened session into the argument; `None` if the argument requires a session, or a
    /// login, and there is none.
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

impl<C: SessionConfig> SessionArg for LoggedIn<C> {
    type Config = C;
    const OPTIONAL: bool = false;
    const NEEDS_LOGIN: bool = true;

    fn from_session(session: Option<Session<C>>) -> Option<Self> {
        Self::new(session?)
    }

    fn session_mut(&mut self) -> Option<&mut Session<C>> {
        Some(self)
    }
}

impl<C: SessionConfig> SessionArg for Option<LoggedIn<C>> {
    type Config = C;
    const OPTIONAL: bool = true;
    const NEEDS_LOGIN: bool = true;

    fn from_session(session: Option<Session<C>>) -> Option<Self> {
        Some(session.and_then(LoggedIn::new))
    }

    fn session_mut(&mut self) -> Option<&mut Session<C>> {
        self.as_deref_mut()
    }
}

/// A session argument without which the handler does not run unless a user is logged in, as `fresh` and
/// `level` need it.
#[diagnostic::on_unimplemented(
    message = "`fresh` and `level` are about the login of a user, which `{Self}` may lack",
    label = "this handler also runs without a login",
    note = "take `LoggedIn<…>`: its handler runs only if a user is logged in"
)]
pub trait RequiresLogin: SessionArg {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> RequiresLogin for LoggedIn<C> {}

/// Checks a session argument whose type is an alias.
pub const fn must_require_login<S: RequiresLogin>() {}

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
    note = "take `Session<…>`, or write `#[session(load)]` where the session may be missing or must belong to a user"
)]
pub trait CompatibleWith<S: SessionArg>: Mode {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> CompatibleWith<Session<C>> for Create {}

#[diagnostic::do_not_recommend]
impl<C: SessionConfig> CompatibleWith<Session<C>> for CreateLazily {}

impl<S: SessionArg> CompatibleWith<S> for Load {}
