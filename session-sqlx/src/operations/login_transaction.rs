//! A login that depends on the other sessions of its subject, as a transaction of three round trips.
//!
//! What has to end is only known once the subject is locked, and no statement sees what was committed while it waited. So
//! each step is a statement of its own: the lock and what the login depends on, the login, and the ends with the commit.

use std::marker::PhantomData;
use std::sync::Arc;

use sqlx::Database;

use connect_session_runtime::record::RevocationMark;
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::LoginRefusal;

use super::login::{LoggedIn, Wrote, id_bytes, living};
use super::members::{LOCK_KEPT_MILLIS, Members};
use super::terms::Terms;
use super::{Answer, Dialect, Driver as _, Statement, Work};
use crate::args::Args;
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64};
use crate::error::StatementError;

impl<B: Dialect> Inner<B> {
    /// Runs a statement that logs a session in, within a transaction. `args` appends its arguments.
    pub(crate) async fn log_in_by_transaction<T: Answer<B::Db> + Wrote>(
        &self,
        terms: &Terms,
        text: &Arc<str>,
        args: impl Fn(Args<B::Db>) -> Args<B::Db> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let work = |has_pooler| {
            Ok(Login::<B, T> {
                members: Members::new(self, &terms.subject),
                terms: *terms,
                statement: Statement {
                    text: text.clone(),
                    arguments: args(B::first_args(self)).finish()?,
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
            let keep = B::KEEPS_LOCK.then(|| self.members.keep_lock());
            let finish = match last {
                Some((login_at, last)) => self.members.end_until(id, login_at, id_bytes(&last)?),
                None => "COMMIT".to_owned(),
            };
            let finish = keep.unwrap_or_default() + &finish;
            ended = living::<B>(&B::Db::script(connection, finish).await?)?;
        }
        Ok(LoggedIn::Answered { answer, ended })
    }
}

impl<B: Dialect> Members<B> {
    /// Begins the transaction of a login, locks the subject, and shows its mark. With a limit, it also
    /// shows the session that logged in last of those that have to end for it, if there are any.
    fn begin_login(&self, id: SessionId, max_sessions: Option<u32>) -> String {
        let Self { subjects, key, .. } = self;
        let lock = self.lock();
        let last = max_sessions.map(|max| format!("; {}", self.last_beyond(id, max)));
        format!(
            "{}; {lock}; SELECT mark, subject_key FROM {subjects} WHERE subject_key = {key}{}",
            B::BEGIN,
            last.unwrap_or_default()
        )
    }

    /// Keeps the row of the subject as if it had been locked now, if that was long ago.
    fn keep_lock(&self) -> String {
        let Self {
            subjects, key, now, ..
        } = self;
        format!(
            "UPDATE {subjects} SET kept_until = {now} + {}
                WHERE subject_key = {key} AND kept_until < {now} + {}; ",
            to_i64(LOCK_KEPT_MILLIS),
            to_i64(LOCK_KEPT_MILLIS / 2)
        )
    }

    /// Ends the sessions whose logins are not after that of `last`, each of which leaves a tombstone, and
    /// commits the login of `id`.
    fn end_until(&self, id: SessionId, login_at: i64, last: [u8; 16]) -> String {
        let until = Self::until(id, &login_at.to_string(), &B::id_literal(&last));
        format!("{}; COMMIT", self.replace(&until))
    }
}
