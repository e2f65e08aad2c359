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
use super::{Answer, Committed, Dialect, Driver as _, Statement, Work, Written};
use crate::args::Args;
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64};
use crate::error::StatementError;

/// What a login depends on.
///
/// A login that has neither a fence nor a limit is a statement of its own, without a lock of the subject:
/// an end of all that does not find its session began before the login was committed, so the login is one
/// after the end. With a fence alone, it is one statement that locks the subject, if the database has such
/// ([`Dialect::RETURNS_UPSERTED`]).
///
/// Otherwise it is a transaction: what has to end is only known once the subject is locked, and no statement sees
/// what was committed while it waited. The arguments are never written into the text of a statement to save a
/// round trip, because drivers and servers log it.
#[derive(Clone, Copy)]
pub(super) struct Terms {
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

    /// The fence, if the login depends on nothing else.
    fn only_fence(&self) -> Option<RevocationMark> {
        let fence = self.fence.filter(|fence| *fence != RevocationMark::NEVER);
        fence.filter(|_| self.limit.is_none())
    }
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
    fn wrote(&self) -> bool;
}

impl Wrote for Written {
    fn wrote(&self) -> bool {
        self.0 > 0
    }
}

impl Wrote for Committed {
    fn wrote(&self) -> bool {
        self.0.is_some()
    }
}

impl<B: Dialect> Inner<B> {
    /// Runs a statement that logs a session in, under its terms. `args` appends its arguments.
    pub(super) async fn log_in<T: Answer<B::Db> + Wrote>(
        &self,
        terms: Option<&Terms>,
        text: &Arc<str>,
        fenced: Option<&Arc<str>>,
        args: impl Fn(Args<B::Db>) -> Args<B::Db> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let own_args = || args(B::first_args(self));
        let Some(terms) = terms else {
            return Ok(LoggedIn::alone(B::run(self, text, own_args).await?));
        };
        if let (Some(fenced), Some(fence)) = (fenced, terms.only_fence()) {
            let subject = &terms.subject;
            let args = || {
                let args = args(B::first_args(self).bytes(&subject.hash));
                args.number(to_i64(fence.number()))
            };
            let answer: T = B::run(self, fenced, args).await?;
            if answer.wrote() {
                return Ok(LoggedIn::alone(answer));
            }
            // It has changed nothing, whatever becomes of this.
            let mark = self.revocation_mark(*subject).await;
            let mark = mark.map_err(|error| StatementError::NotApplied(error.into()))?;
            return Ok(if mark.accepts(fence) {
                LoggedIn::alone(answer)
            } else {
                LoggedIn::Refused(LoginRefusal::Revoked)
            });
        }
        let work = |has_pooler| {
            Ok(Login::<B, T> {
                members: Members::new(self, &terms.subject),
                terms: *terms,
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

/// A statement within a transaction that locks the subject.
struct Login<B: Dialect, T> {
    members: Members<B>,
    terms: Terms,
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
        let refuses = limit.is_some_and(|limit| limit.when_reached == OnMaxSessions::Refuse);
        if refuses && last.is_some() {
            return Ok(LoggedIn::Refused(LoginRefusal::TooManySessions));
        }
        let answer = T::fetch(connection, self.statement).await?;
        let mut ended = Vec::new();
        if answer.wrote() {
            let finish = match last {
                Some((login_at, last)) => {
                    let last = id_bytes(&last)?;
                    let last = Position { login_at, id: last };
                    self.members.end_until(id, &last)
                }
                None => "COMMIT".to_owned(),
            };
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
