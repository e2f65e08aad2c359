//! The index of a sealed store's users, which is that of the store itself.

use connect_session_runtime::record::{RevocationMark, SubjectKey};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{BoxFuture, ListCursor, ListPage, StoreError, SubjectIndex};

use crate::Sealed;

impl<S: SubjectIndex> SubjectIndex for Sealed<S> {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        self.store.revocation_mark(subject)
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        self.store.list(subject, after, limit)
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.count_of(subject)
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.end(subject, id)
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        self.store.end_all(subject, except)
    }
}
