//! Logins, and what they answer.

use std::future::Future;

use connect_session_runtime::record::RevocationMark;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::LoginRefusal;
use sqlx::Database;

use super::statements::LoginStatement;
use super::terms::Terms;
use super::{Answer, Committed, Dialect, Values, Written};
use crate::args::Args;
use crate::backend::{Backend, Inner};
use crate::error::StatementError;

/// How a database logs a session in on terms.
pub(crate) trait LogIn: Backend<Db: Values> {
    /// Whether the row that locked a subject is needed after the transaction: a login in one statement does not lock
    /// the subject first, and sees by this row that another transaction did.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    const KEEPS_LOCK: bool = false;

    /// The text of the statement that [`log_in`](Self::log_in) uses in place of the one without terms; empty if it uses
    /// none. `login` is the text of a statement that writes the session if a condition is true.
    fn login_on_terms(
        _table: &str,
        _subjects: &str,
        _login: impl FnOnce(&str) -> String,
    ) -> String {
        String::new()
    }

    /// Logs a session in on its terms, and ends other sessions for it. `args` appends the arguments of the statement that
    /// writes the session.
    fn log_in<T: Answer<Self::Db> + Wrote>(
        inner: &Inner<Self>,
        terms: &Terms,
        statement: &LoginStatement,
        args: impl Fn(Args<Self::Db>) -> Args<Self::Db> + Send + Sync,
    ) -> impl Future<Output = Result<LoggedIn<T>, StatementError>> + Send;
}

/// Why a statement with terms has not logged a session in. Versions of records are greater than each of these numbers.
#[cfg(any(feature = "mysql", feature = "postgres"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLogin {
    /// The record is not what the change expects.
    Unwritten = 0,
    /// All sessions of the subject have been ended since the fence.
    Revoked = -1,
    /// The subject has as many sessions as it may.
    TooManySessions = -2,
    /// The statement could not find out any of this.
    Unknown = -3,
}

/// The result of a statement that logs a session in.
pub(crate) enum LoggedIn<T> {
    /// The answer to the statement, and the sessions that ended for it. If the statement wrote nothing,
    /// no session was changed.
    Answered {
        answer: T,
        ended: Vec<SessionId>,
    },
    Refused(LoginRefusal),
}

impl<T> LoggedIn<T> {
    /// An answer for which no other session ended.
    pub(super) const fn alone(answer: T) -> Self {
        Self::Answered {
            answer,
            ended: Vec::new(),
        }
    }
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
impl<T: Wrote> LoggedIn<T> {
    /// The result of a statement with terms, which answers with the version of the record or a [`NoLogin`]; `None` for
    /// [`NoLogin::Unknown`].
    pub(crate) fn of_number(number: i64, ended: Vec<SessionId>) -> Option<Self> {
        if number == NoLogin::Unknown as i64 {
            return None;
        }
        if number == NoLogin::Revoked as i64 {
            return Some(Self::Refused(LoginRefusal::Revoked));
        }
        if number == NoLogin::TooManySessions as i64 {
            return Some(Self::Refused(LoginRefusal::TooManySessions));
        }
        let version = Some(number).filter(|version| *version > NoLogin::Unwritten as i64);
        Some(Self::Answered {
            answer: T::of_version(version),
            ended,
        })
    }
}

/// The result of an insertion.
pub(super) enum Put {
    /// It is done, and these sessions ended for it.
    Done {
        ended: Vec<SessionId>,
    },
    /// Another record has the id.
    InUse,
    Refused(LoginRefusal),
}

/// An answer that says whether its statement wrote a record.
pub(crate) trait Wrote {
    /// The answer of a statement that wrote this version, if it wrote one.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    fn of_version(version: Option<i64>) -> Self;

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    fn wrote(&self) -> bool;
}

impl Wrote for Written {
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    fn of_version(version: Option<i64>) -> Self {
        Self(version.is_some().into())
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    fn wrote(&self) -> bool {
        self.0 > 0
    }
}

impl Wrote for Committed {
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    fn of_version(version: Option<i64>) -> Self {
        Self(version)
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    fn wrote(&self) -> bool {
        self.0.is_some()
    }
}

impl<B: Dialect> Inner<B> {
    /// Runs a statement that logs a session in, on its terms. `args` appends its arguments.
    ///
    /// A login that has neither a fence nor a limit is a statement of its own, without a lock of the subject:
    /// an end of all that does not find its session began before the login was committed, so the login is one
    /// after the end.
    pub(super) async fn log_in<T: Answer<B::Db> + Wrote>(
        &self,
        terms: Option<&Terms>,
        statement: &LoginStatement,
        args: impl Fn(Args<B::Db>) -> Args<B::Db> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let Some(terms) = terms else {
            let args = || args(B::first_args(self));
            let answer = B::run(self, &statement.always, args).await?;
            return Ok(LoggedIn::alone(answer));
        };
        if terms.fence == Some(RevocationMark::NEVER) {
            return Ok(LoggedIn::Refused(LoginRefusal::Revoked));
        }
        B::log_in(self, terms, statement, args).await
    }
}

/// The ids of the sessions that were alive, among those that a script ended.
pub(crate) fn living<B: Dialect>(
    rows: &[<B::Db as Database>::Row],
) -> Result<Vec<SessionId>, sqlx::Error> {
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let (rest, id) = B::read_pair(row)?;
        if rest > 0 {
            ids.push(SessionId::from_bytes(id_bytes(&id)?));
        }
    }
    Ok(ids)
}

pub(super) fn id_bytes(bytes: &[u8]) -> Result<[u8; 16], sqlx::Error> {
    (bytes.try_into()).map_err(|_| sqlx::Error::Decode("an id has the wrong length".into()))
}
