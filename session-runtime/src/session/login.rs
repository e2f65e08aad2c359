//! Logins: whose session it is.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{OnDrop, Session};
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::record::{LONGEST_SUBJECT, Login, LoginChange, NewLogin, RevocationMark, SubjectKey};
use crate::sessions::{self, UserSessions};
use crate::store::{StoreRef, SubjectIndex};
use crate::timestamp::Timestamp;

/// How long an attempt to log in may take (half of the time for which a store keeps a mark).
const LONGEST_ATTEMPT: Duration = Duration::from_millis(RevocationMark::KEPT_MILLIS / 2);
/// The longest label, in bytes.
const LONGEST_LABEL: usize = 256;

impl<C: SessionConfig> Session<C> {
    /// Binds the session to a user, and gives it a new sid, so that a client that knows the old one is
    /// not logged in too (ASVS 5.0 7.2.4). The data stays, and both timeouts start again (NIST SP
    /// 800-63B-4, 5.2). Requests that loaded the session before the login can no longer change it.
    /// Nothing happens if the handler fails.
    ///
    /// `user` is the id of the user: a text, a number, a UUID, or a type of your own that implements
    /// `Display`. Or it is the [`LoginAttempt`] that [`begin_login`](Self::begin_login) returned before
    /// the password was checked: then the login fails with a 409 if all sessions of the user were ended
    /// meanwhile.
    ///
    /// ```
    /// # use connect_session::{Error, Session};
    /// # async fn verify(user: &str, password: &str) -> Result<(), Error> { Ok(()) }
    /// async fn log_in(mut session: Session, user: &str, password: &str) -> Result<(), Error> {
    ///     let attempt = session.begin_login(user).await?;
    ///     verify(user, password).await?;
    ///     session.login(attempt)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::TooLate`] if the response has already started. If the config has `max_sessions`, the
    /// response may be [`ErrorKind::TooManySessions`]; with an attempt, [`ErrorKind::LoginRevoked`].
    /// [`ErrorKind::Unencodable`] if the id of the user has more than a megabyte.
    /// [`ErrorKind::StoreMismatch`] if the attempt began on another store, as with `Shop::begin_login` below a
    /// layer that has replaced the store.
    pub fn login(&mut self, user: impl LoginAs<C>) -> Result<(), Error> {
        let LoginAttempt { subject, begun } = user.into_attempt();
        check_subject(&subject)?;
        if let Some(begun) = &begun
            && !begun.store.is_same(&self.core.store)
        {
            let reason = "the attempt began on another store than that of this request: begin it with \
                          `session.begin_login`";
            return Err(Error::with_source(ErrorKind::StoreMismatch, reason));
        }
        let options = self.core.options;
        let login = NewLogin {
            fence: begun.as_ref().map(|begun| begun.fence),
            limit: options.session_limit(),
            ..NewLogin::new(subject)
        };
        let shown = Login::new(&login, self.core.store.now());
        self.change_sid(|sid_change| {
            sid_change.new_generation = true;
            sid_change.login = LoginChange::Set(login);
            sid_change.login_until = begun.map(|begun| begun.until);
        })?;
        self.authenticated_as(Some(Arc::new(shown)));
        Ok(())
    }

    /// Begins to log a user in: call it before you check the password, and pass the result to
    /// [`login`](Self::login).
    ///
    /// If somebody ends all sessions of the user between the two, because the password was changed or
    /// stolen, then the login fails: it may have checked the old password. An attempt can be used for 15
    /// minutes.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the store does not answer; [`ErrorKind::NoSubjectIndex`] if it is
    /// an `AnyStore` around one that does not know the sessions of a user.
    pub async fn begin_login(&self, user: impl fmt::Display) -> Result<LoginAttempt<C>, Error>
    where
        C::Store: SubjectIndex,
    {
        LoginAttempt::begin(self.core.store.clone(), user.to_string().into()).await
    }

    /// Notes that the user has just proved once more who they are, for instance with their password. The
    /// session gets a new sid; its timeouts and its data stay.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRequired`] if the session belongs to no user; [`ErrorKind::TooLate`] if the
    /// response has already started.
    pub fn reauthenticate(&mut self) -> Result<(), Error> {
        self.authenticate(None)
    }

    /// Notes that the user has just proved who they are with a further factor, such as a one-time code, and
    /// raises the [`level`](Self::level) of the session to this one if it is lower. The session gets a new
    /// sid; its timeouts and its data stay.
    ///
    /// The levels are your own: a login begins with 1, a second factor usually means 2.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRequired`] if the session belongs to no user; [`ErrorKind::TooLate`] if the
    /// response has already started.
    pub fn step_up(&mut self, level: u8) -> Result<(), Error> {
        self.authenticate(Some(level))
    }

    fn authenticate(&mut self, level: Option<u8>) -> Result<(), Error> {
        let Some(login) = self.login.clone() else {
            return Err(Error::of(ErrorKind::LoginRequired));
        };
        // A level is never lowered.
        let level = level.map(|level| level.max(login.level));
        let change = LoginChange::Authenticate { level };
        let shown = change.apply(Some(login), self.core.store.now());
        // The login may be that of another guard, which is not stored yet.
        let is_pending =
            (self.core.state().guards).raise_pending_login_of_others(self.guard, level);
        if is_pending {
            self.authenticated_as(shown);
            return Ok(());
        }
        self.change_sid(|sid_change| match &mut sid_change.login {
            LoginChange::Set(login) => login.level = level.unwrap_or(login.level),
            LoginChange::Authenticate { level: before } => *before = level.or(*before),
            LoginChange::Keep | LoginChange::Clear => sid_change.login = change,
        })?;
        self.authenticated_as(shown);
        Ok(())
    }

    fn authenticated_as(&mut self, login: Option<Arc<Login>>) {
        self.login = login;
        self.core
            .state()
            .guards
            .get_mut(self.guard)
            .is_authenticated = true;
    }

    /// Checks that a user is logged in, at this level, and proved who they are within `fresh` until now.
    pub(crate) fn check_login(&self, fresh: Option<Duration>, level: u8) -> Result<(), Error> {
        let Some(login) = &self.login else {
            return Err(Error::of(ErrorKind::LoginRequired));
        };
        if login.level < level {
            return Err(Error::too_low(level));
        }
        if let Some(fresh) = fresh {
            let age = (self.core.store.now()).saturating_since(login.authenticated_at);
            if age >= fresh || self.core.is_adopted_login(login) {
                return Err(Error::too_old(fresh));
            }
            self.core
                .state()
                .guards
                .get_mut(self.guard)
                .is_authenticated = true;
        }
        Ok(())
    }

    /// How well the user proved who they are: 0 before a login, 1 after it, more after a
    /// [`step_up`](Self::step_up).
    #[must_use]
    pub fn level(&self) -> u8 {
        self.login.as_ref().map_or(0, |login| login.level)
    }

    /// When the user last proved who they are, by the store's clock: at the login, or with
    /// [`reauthenticate`](Self::reauthenticate) or [`step_up`](Self::step_up). `None` before a login. For an
    /// [adopted](crate::adopt) session, when it was adopted; `fresh` does not accept that.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        (self.login.as_ref()).map(|login| login.authenticated_at.into())
    }

    /// Gives the session a name that its user recognizes in a list of devices, such as "Firefox on
    /// Linux". It is shortened to 256 bytes, and an empty one removes the name.
    ///
    /// ```
    /// # use connect_session::Session;
    /// fn name(session: &mut Session, user_agent: &str) {
    ///     session.label(user_agent);
    /// }
    /// ```
    pub fn label(&mut self, label: impl Into<String>) {
        let mut label = label.into();
        let mut end = label.len().min(LONGEST_LABEL);
        while !label.is_char_boundary(end) {
            end -= 1;
        }
        label.truncate(end);
        self.on_drop = OnDrop::Return;
        self.core.state().guards.get_mut(self.guard).label = Some(label.into());
    }

    /// The sessions of the user of this session, to list and end them. `None` before a login.
    ///
    /// ```
    /// use connect_session::store::Listed;
    /// use connect_session::{Error, Session};
    ///
    /// async fn devices(session: &Session) -> Result<Vec<Listed>, Error> {
    ///     match session.of_user() {
    ///         Some(sessions) => Ok(sessions.list().await?.sessions),
    ///         None => Ok(Vec::new()),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn of_user(&self) -> Option<UserSessions<C>>
    where
        C::Store: SubjectIndex,
    {
        let login = self.login.as_ref()?;
        Some(self.sessions_of(login.subject.clone()))
    }

    pub(super) fn sessions_of(&self, subject: Arc<str>) -> UserSessions<C> {
        UserSessions::new(Some(self.core.store.clone()), subject, Some(self.id()))
    }

    /// Ends all other sessions of the user, and each login that began before and is not stored yet, if it
    /// began with [`begin_login`](Self::begin_login). Returns how many sessions there were.
    ///
    /// A thief with a stolen sid must not log out its owner. So the user must have just proved who they
    /// are: in a handler with `fresh`, or with [`reauthenticate`](Self::reauthenticate),
    /// [`step_up`](Self::step_up) or [`login`](Self::login) in this one. A login of this handler that began
    /// with `begin_login` is refused as any other: end the others in a later request.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use connect_session::{Error, LoggedIn, session};
    /// # async fn set_password(user: &str, password: &str) -> Result<(), Error> { Ok(()) }
    /// #[session(load, fresh = 5m)]
    /// async fn change_password(mut session: LoggedIn, password: String) -> Result<(), Error> {
    ///     set_password(session.subject(), &password).await?;
    ///     session.end_others().await?;
    ///     // Somebody may have a copy of the sid of this session, too.
    ///     session.rotate()
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::LoginRequired`] if the session belongs to no user;
    /// [`ErrorKind::ReauthenticationRequired`] if the user has not just proved who they are; otherwise see
    /// [`UserSessions::end`].
    pub async fn end_others(&self) -> Result<usize, Error>
    where
        C::Store: SubjectIndex,
    {
        let Some(sessions) = self.of_user() else {
            return Err(Error::of(ErrorKind::LoginRequired));
        };
        if !self.core.state().guards.get(self.guard).is_authenticated {
            return Err(Error::of(ErrorKind::ReauthenticationRequired));
        }
        sessions.end_all_except(self.id()).await
    }
}

/// Refuses what no store has to keep, so that all of them give the same answer.
fn check_subject(subject: &str) -> Result<(), Error> {
    if subject.len() > LONGEST_SUBJECT {
        let reason = format!(
            "the id of the user has {} bytes, more than {LONGEST_SUBJECT}: log in with a shorter one",
            subject.len()
        );
        return Err(Error::with_source(ErrorKind::Unencodable, reason));
    }
    Ok(())
}

/// Who logs in: the id of a user, which is anything that implements `Display`, or a [`LoginAttempt`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the id of a user",
    label = "cannot log in as this",
    note = "pass a text, a number, a UUID, a type that implements `Display`, or what `begin_login` returned"
)]
pub trait LoginAs<C: SessionConfig> {
    #[doc(hidden)]
    fn into_attempt(self) -> LoginAttempt<C>;
}

impl<C: SessionConfig, T: fmt::Display> LoginAs<C> for T {
    fn into_attempt(self) -> LoginAttempt<C> {
        LoginAttempt {
            subject: self.to_string().into(),
            begun: None,
        }
    }
}

impl<C: SessionConfig> LoginAs<C> for LoginAttempt<C> {
    fn into_attempt(self) -> LoginAttempt<C> {
        self
    }
}

/// An attempt to log in, from before the password is checked; see [`Session::begin_login`].
#[must_use = "pass it to `login`"]
pub struct LoginAttempt<C: SessionConfig> {
    subject: Arc<str>,
    /// `None` if it begins with the login itself.
    begun: Option<Begun<C>>,
}

/// What the store said when the attempt began.
struct Begun<C: SessionConfig> {
    fence: RevocationMark,
    /// The time until which the attempt can be used.
    until: Timestamp,
    store: StoreRef<C::Data, C::Store>,
}

impl<C: SessionConfig> LoginAttempt<C> {
    pub(crate) async fn begin(
        store: StoreRef<C::Data, C::Store>,
        subject: Arc<str>,
    ) -> Result<Self, Error> {
        let until = store.now() + LONGEST_ATTEMPT;
        let key = SubjectKey::new(sessions::namespace::<C>(), &subject);
        let fence = sessions::index::<C>(&store)?.revocation_mark(key).await;
        let begun = Some(Begun {
            fence: fence.map_err(sessions::failed::<C>)?,
            until,
            store,
        });
        Ok(Self { subject, begun })
    }
}

impl<C: SessionConfig> fmt::Debug for LoginAttempt<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAttempt")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}
