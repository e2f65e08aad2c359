//! Logins that depend on the other sessions of their subject.

use std::marker::PhantomData;
use std::sync::Arc;

use sqlx::Database;

use connect_session_runtime::record::{
    Key, NewLogin, OnMaxSessions, RevocationMark, SessionLimit, SubjectKey,
};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::LoginRefusal;

use super::members::{Members, Position};
use super::{
    Answer, Committed, Dialect, Driver as _, Statement, Values, Work, Written, WrittenRow,
};
use crate::args::Args;
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64};
use crate::error::StatementError;

/// What a login depends on.
///
/// A login that has neither a fence nor a limit is a statement of its own, without a lock of the subject:
/// an end of all that does not find its session began before the login was committed, so the login is one
/// after the end.
///
/// Otherwise it is a transaction: what has to end is only known once the subject is locked, and no statement sees
/// what was committed while it waited. The arguments are never written into the text of a statement to save a
/// round trip, because drivers and servers log it. Where the database has a statement that does nothing if it had to
/// wait ([`Dialect::login_with_terms`]), that is tried first.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    subject: SubjectKey,
    id: SessionId,
    fence: Option<RevocationMark>,
    limit: Option<SessionLimit>,
}

impl Terms {
    pub(super) fn new(key: Key, login: &NewLogin) -> Option<Self> {
        (login.fence.is_some() || login.limit.is_some()).then(|| Self {
            subject: SubjectKey::new(key.namespace, &login.subject),
            id: key.id,
            fence: login.fence,
            limit: login.limit,
        })
    }

    fn refuses(&self) -> bool {
        let limit = self.limit.as_ref();
        limit.is_some_and(|limit| limit.when_reached == OnMaxSessions::Refuse)
    }

    /// The subject key, the id, the fence or null, the most other sessions or null, and whether the login is refused
    /// if there are more.
    fn args<DB: Values>(&self, first: Args<DB>) -> Args<DB> {
        let fence = self.fence.map(|fence| to_i64(fence.number()));
        let others = self.limit.map(|limit| i64::from(limit.max.get()) - 1);
        first
            .bytes(&self.subject.hash)
            .bind(DB::id(*self.id.as_bytes()))
            .maybe_number(fence)
            .maybe_number(others)
            .flag(self.refuses())
    }
}

/// Why a statement with terms has not logged a session in. Versions of records are greater than each of these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLogin {
    /// The record is not what the change expects.
    Unwritten = 0,
    /// All sessions of the subject have been ended since the fence.
    Revoked = -1,
    /// The subject has as many sessions as it may.
    TooManySessions = -2,
    /// Another transaction about the subject was committed meanwhile, so the statement knows none of the above.
    Outdated = -3,
}

/// The result of a statement that logs a session in.
pub(super) enum LoggedIn<T> {
    /// The answer to the statement, and the sessions that ended for it. If the statement wrote nothing,
    /// nothing was changed.
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
pub(super) trait Wrote {
    /// The answer of a statement that wrote this version, if it wrote one.
    fn of_version(version: Option<i64>) -> Self;

    fn wrote(&self) -> bool;
}

impl Wrote for Written {
    fn of_version(version: Option<i64>) -> Self {
        Self(version.is_some().into())
    }

    fn wrote(&self) -> bool {
        self.0 > 0
    }
}

impl Wrote for Committed {
    fn of_version(version: Option<i64>) -> Self {
        Self(version)
    }

    fn wrote(&self) -> bool {
        self.0.is_some()
    }
}

impl<B: Dialect> Inner<B> {
    /// Runs a statement that logs a session in, on its terms. `args` appends its arguments. `with_terms` is the
    /// statement that also judges the terms.
    pub(super) async fn log_in<T: Answer<B::Db> + Wrote>(
        &self,
        terms: Option<&Terms>,
        text: &Arc<str>,
        with_terms: Option<&Arc<str>>,
        args: impl Fn(Args<B::Db>) -> Args<B::Db> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let own_args = || args(B::first_args(self));
        let Some(terms) = terms else {
            return Ok(LoggedIn::alone(B::run(self, text, own_args).await?));
        };
        if terms.fence == Some(RevocationMark::NEVER) {
            return Ok(LoggedIn::Refused(LoginRefusal::Revoked));
        }
        if let Some(with_terms) = with_terms {
            let args = || args(terms.args(B::first_args(self)));
            match B::run::<WrittenRow<B::Db>>(self, with_terms, args).await {
                Ok(WrittenRow(row)) => {
                    let row = row.as_ref().map(B::read_pair).transpose();
                    // It has been committed.
                    let row = row.map_err(|error| StatementError::Unknown(error.into()))?;
                    if let Some(done) = row.and_then(|(number, ids)| logged_in(number, &ids)) {
                        return Ok(done);
                    }
                }
                // With a stricter isolation level, the database reports what makes a statement outdated as an error.
                Err(failure) if failure.not_applied().is_some_and(B::is_rolled_back) => {}
                Err(failure) => return Err(failure),
            }
        }
        let work = |has_pooler| {
            Ok(Login::<B, T> {
                members: Members::new(self, &terms.subject),
                terms: *terms,
                keeps_lock: with_terms.is_some(),
                statement: Statement {
                    text: text.clone(),
                    arguments: own_args().finish()?,
                    has_pooler,
                    is_in_transaction: true,
                },
                answer: PhantomData,
            })
        };
        B::perform(self, work).await
    }
}

/// Reads the row of [`Dialect::login_with_terms`]; `None` if the statement was outdated.
fn logged_in<T: Wrote>(number: i64, ids: &[u8]) -> Option<LoggedIn<T>> {
    if number == NoLogin::Outdated as i64 {
        return None;
    }
    if number == NoLogin::Revoked as i64 {
        return Some(LoggedIn::Refused(LoginRefusal::Revoked));
    }
    if number == NoLogin::TooManySessions as i64 {
        return Some(LoggedIn::Refused(LoginRefusal::TooManySessions));
    }
    let (ids, _) = ids.as_chunks();
    Some(LoggedIn::Answered {
        answer: T::of_version(Some(number).filter(|version| *version > NoLogin::Unwritten as i64)),
        ended: ids.iter().copied().map(SessionId::from_bytes).collect(),
    })
}

/// A statement within a transaction that locks the subject.
struct Login<B: Dialect, T> {
    members: Members<B>,
    terms: Terms,
    /// Whether the row of the subject is needed after the commit: logins in one statement do not lock it first, and
    /// notice by the row that it was locked.
    keeps_lock: bool,
    statement: Statement<B::Db>,
    answer: PhantomData<fn() -> T>,
}

impl<B: Dialect, T: Answer<B::Db> + Wrote> Work<B::Db> for Login<B, T> {
    type Answer = LoggedIn<T>;
    const IS_READ: bool = false;
    const MAY_CHANGE_SERVER: bool = true;

    async fn run(
        self,
        connection: &mut <B::Db as Database>::Connection,
    ) -> Result<LoggedIn<T>, sqlx::Error> {
        let done = self.transact(connection).await;
        let is_changed = match &done {
            Ok(LoggedIn::Answered { answer, .. }) => answer.wrote(),
            Ok(LoggedIn::Refused(_)) | Err(_) => false,
        };
        if !is_changed {
            // If this fails, the connection is closed.
            B::Db::rollback(connection).await?;
        }
        done
    }
}

impl<B: Dialect, T: Answer<B::Db> + Wrote> Login<B, T> {
    /// Commits unless the login fails, is refused, or changes nothing.
    async fn transact(
        self,
        connection: &mut <B::Db as Database>::Connection,
    ) -> Result<LoggedIn<T>, sqlx::Error> {
        let refuses = self.terms.refuses();
        let Terms {
            id, fence, limit, ..
        } = self.terms;
        let begin = (self.members).begin_login(id, limit.map(|limit| limit.max.get()));
        let shown = B::Db::script(connection, begin).await?;
        let mut shown = shown.iter().map(B::read_pair);
        let mark = shown.next().transpose()?.map_or(0, |(mark, _)| mark);
        let mark = RevocationMark::from_number(to_u64(mark));
        let last = shown.next().transpose()?;
        if fence.is_some_and(|fence| !mark.accepts(fence)) {
            return Ok(LoggedIn::Refused(LoginRefusal::Revoked));
        }
        if refuses && last.is_some() {
            return Ok(LoggedIn::Refused(LoginRefusal::TooManySessions));
        }
        let answer = T::fetch(connection, self.statement).await?;
        let mut ended = Vec::new();
        if answer.wrote() {
            let keep = self.keeps_lock.then(|| self.members.keep_lock());
            let finish = match last {
                Some((login_at, last)) => {
                    let last = id_bytes(&last)?;
                    let last = Position { login_at, id: last };
                    self.members.end_until(id, &last)
                }
                None => "COMMIT".to_owned(),
            };
            let finish = keep.unwrap_or_default() + &finish;
            ended = living::<B>(&B::Db::script(connection, finish).await?)?;
        }
        Ok(LoggedIn::Answered { answer, ended })
    }
}

/// The ids of the sessions that were alive, among those that a script ended.
pub(super) fn living<B: Dialect>(
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

fn id_bytes(bytes: &[u8]) -> Result<[u8; 16], sqlx::Error> {
    (bytes.try_into()).map_err(|_| sqlx::Error::Decode("an id has the wrong length".into()))
}
