//! The traits of stores.

/// Implements [`Store`](connect_session_runtime::store::Store),
/// [`SubjectIndex`](connect_session_runtime::store::SubjectIndex) and
/// [`Inspect`](connect_session_runtime::store::Inspect) for a store.
macro_rules! implement_store {
    ($store:ident) => {
        impl<D: connect_session_runtime::data::SessionData> connect_session_runtime::store::Store<D>
            for $store
        {
            async fn check_ready(&self) -> Result<(), connect_session_runtime::store::StoreError> {
                self.0.check_ready().await
            }

            async fn insert(
                &self,
                key: connect_session_runtime::record::Key,
                record: &connect_session_runtime::record::NewRecord<D>,
            ) -> Result<
                connect_session_runtime::store::InsertOutcome<D>,
                connect_session_runtime::store::StoreError,
            > {
                self.0.start_sweeper();
                self.0.inner.insert(key, record).await
            }

            fn keeps_data_version(&self) -> bool {
                true
            }

            fn supports_sealing(&self) -> bool {
                true
            }

            fn detects_reuse(&self) -> bool {
                true
            }

            async fn load(
                &self,
                key: connect_session_runtime::record::Key,
                request: &connect_session_runtime::record::LoadRequest,
            ) -> Result<
                connect_session_runtime::store::LoadOutcome<D>,
                connect_session_runtime::store::StoreError,
            > {
                self.0.inner.load(key, request).await
            }

            async fn commit(
                &self,
                key: connect_session_runtime::record::Key,
                change: &connect_session_runtime::record::Change<D>,
            ) -> Result<
                connect_session_runtime::store::CommitOutcome<D>,
                connect_session_runtime::store::StoreError,
            > {
                self.0.inner.commit(key, change).await
            }

            async fn destroy(
                &self,
                key: connect_session_runtime::record::Key,
            ) -> Result<bool, connect_session_runtime::store::StoreError> {
                self.0.inner.destroy(key).await
            }

            fn backend_id(&self) -> Option<String> {
                Some(crate::operations::Dialect::backend_id(&*self.0.inner))
            }

            fn max_session_size(&self) -> Option<u64> {
                crate::operations::Dialect::max_session_size(&*self.0.inner)
            }

            async fn count(
                &self,
                namespace: &'static str,
            ) -> Result<u64, connect_session_runtime::store::StoreError> {
                self.0.inner.count(namespace).await
            }

            async fn sweep(
                &self,
                limit: usize,
            ) -> Result<usize, connect_session_runtime::store::StoreError> {
                self.0.inner.sweep(limit).await
            }

            fn as_subject_index(
                &self,
            ) -> Option<&dyn connect_session_runtime::store::SubjectIndex> {
                Some(self)
            }

            fn as_inspect(&self) -> Option<&dyn connect_session_runtime::store::Inspect> {
                Some(self)
            }

            fn now(&self) -> connect_session_runtime::timestamp::Timestamp {
                crate::operations::Dialect::now(&*self.0.inner)
            }
        }

        const _: () = {
            use connect_session_runtime::record::{Key, RevocationMark, SubjectKey};
            use connect_session_runtime::sid::SessionId;
            use connect_session_runtime::store::{
                BoxFuture, Inspect, Inspected, ListCursor, ListPage, LiveCount, StoreError,
                SubjectIndex,
            };

            impl Inspect for $store {
                fn inspect(
                    &self,
                    key: Key,
                ) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
                    Box::pin(self.0.inner.inspect(key))
                }

                fn live_count(
                    &self,
                    namespace: &'static str,
                    at_most: u64,
                ) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
                    Box::pin(self.0.inner.live_count(namespace, at_most))
                }
            }

            impl SubjectIndex for $store {
                fn revocation_mark(
                    &self,
                    subject: SubjectKey,
                ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
                    Box::pin(self.0.inner.revocation_mark(subject))
                }

                fn list(
                    &self,
                    subject: SubjectKey,
                    after: Option<ListCursor>,
                    limit: usize,
                ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
                    Box::pin(self.0.inner.list(subject, after, limit))
                }

                fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
                    Box::pin(self.0.inner.count_members(subject))
                }

                fn end(
                    &self,
                    subject: SubjectKey,
                    id: SessionId,
                ) -> BoxFuture<'_, Result<bool, StoreError>> {
                    Box::pin(self.0.inner.end(subject, id))
                }

                fn end_all(
                    &self,
                    subject: SubjectKey,
                    except: Option<SessionId>,
                ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
                    Box::pin(self.0.inner.end_all(subject, except))
                }
            }
        };
    };
}

pub(crate) use implement_store;
