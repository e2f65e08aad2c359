//! The index of the sessions of each subject.

use std::marker::PhantomData;
use std::sync::Arc;

use sqlx::Database;

use connect_session_runtime::record::{Key, RevocationMark, SubjectKey};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{ListCursor, ListPage, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use super::login::living;
use super::members::Members;
use super::record::write_error;
use super::{Dialect, Driver, OneRow, Rows, Work, Written};
use crate::backend::Inner;
use crate::convert::{to_i64, to_u64};
use crate::error::StatementError;

impl<B: Dialect> Inner<B> {
    pub(crate) async fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> Result<RevocationMark, StoreError> {
        let mark = self.number_of(&B::shared_statements(self).mark, &subject);
        Ok(RevocationMark::from_number(mark.await?))
    }

    pub(crate) async fn count_members(&self, subject: SubjectKey) -> Result<u64, StoreError> {
        let count = self.number_of(&B::shared_statements(self).count_members, &subject);
        count.await
    }

    /// The number that a statement finds for a subject; 0 if it finds none.
    async fn number_of(
        &self,
        statement: &Arc<str>,
        subject: &SubjectKey,
    ) -> Result<u64, StoreError> {
        let args = || B::first_args(self).bytes(&subject.hash);
        let row: Result<OneRow<B::Db>, _> = B::run(self, statement, args).await;
        let row = row.map_err(StatementError::into_read_error)?.0;
        row.map_or(Ok(0), |row| B::read_number(&row).map(to_u64))
    }

    pub(crate) async fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        if limit == 0 {
            return Ok(ListPage::default());
        }
        // One more than asked for shows whether another part follows.
        let rows_arg = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let (login_at, id) = match after {
            Some(after) => (to_i64(after.logged_in_at.as_millis()), *after.id.as_bytes()),
            None => (i64::MAX, [0xff; 16]),
        };
        let args = || {
            B::first_args(self)
                .bytes(&subject.hash)
                .number(login_at)
                .number(login_at)
                .bind(B::Db::id(id))
                .number(rows_arg)
        };
        let rows: Result<Rows<B::Db>, _> =
            B::run(self, &B::shared_statements(self).list, args).await;
        let rows = rows.map_err(StatementError::into_read_error)?.0;
        let mut sessions = Vec::with_capacity(rows.len());
        let mut next = None;
        for row in rows.iter().take(limit) {
            let member = B::read_member(row)?;
            next = Some(ListCursor {
                logged_in_at: Timestamp::from_millis(member.login_at),
                id: member.listed.id,
            });
            sessions.push(member.listed);
        }
        Ok(ListPage::new(sessions, next.filter(|_| rows.len() > limit)))
    }

    pub(crate) async fn end(&self, subject: SubjectKey, id: SessionId) -> Result<bool, StoreError> {
        let key = Key {
            namespace: subject.namespace,
            id,
        };
        let args = || B::first_args(self).key(key).bytes(&subject.hash);
        let deleted = B::run(self, &B::shared_statements(self).end_member, args).await;
        let Written(rows) = deleted.map_err(write_error::<B>)?;
        Ok(rows > 0)
    }

    pub(crate) async fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let work = |_| {
            let script = Members::new(self, &subject).end_all(except);
            let backend = PhantomData;
            Ok(EndAll::<B> { script, backend })
        };
        B::perform(self, work).await.map_err(write_error::<B>)
    }
}

/// A transaction that ends the sessions of a subject.
struct EndAll<B> {
    script: String,
    backend: PhantomData<fn() -> B>,
}

impl<B: Dialect> Work<B::Db> for EndAll<B> {
    type Answer = Vec<SessionId>;
    const IS_READ: bool = false;
    const MAY_CHANGE_SERVER: bool = true;

    async fn run(
        self,
        connection: &mut <B::Db as Database>::Connection,
    ) -> Result<Vec<SessionId>, sqlx::Error> {
        match B::Db::script(connection, self.script).await {
            Ok(rows) => living::<B>(&rows),
            Err(error) => {
                // If this fails, the connection is closed.
                B::Db::rollback(connection).await?;
                Err(error)
            }
        }
    }
}
