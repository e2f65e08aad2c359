//! The index of the store behind an [`AnyStore`].

use super::AnyStore;
use crate::data::SessionData;
use crate::record::{RevocationMark, SubjectKey};
use crate::sid::SessionId;
use crate::store::{BoxFuture, ListCursor, ListPage, StoreError, SubjectIndex};

impl<D> AnyStore<D> {
    fn index(&self) -> Result<&dyn SubjectIndex, StoreError> {
        let index = self.0.as_subject_index();
        index.ok_or_else(|| {
            StoreError::Unavailable(
                "the store does not know which sessions belong to a user".into(),
            )
        })
    }
}

/// Each method fails if the store behind it is not a [`SubjectIndex`]; check that with
/// [`Store::as_subject_index`](crate::store::Store::as_subject_index).
#[diagnostic::do_not_recommend]
impl<D: SessionData> SubjectIndex for AnyStore<D> {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        Box::pin(async move { self.index()?.revocation_mark(subject).await })
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(async move { self.index()?.list(subject, after, limit).await })
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { self.index()?.count_of(subject).await })
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { self.index()?.end(subject, id).await })
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        Box::pin(async move { self.index()?.end_all(subject, except).await })
    }
}
