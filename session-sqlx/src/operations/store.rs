//! The trait of stores.

/// Implements [`Store`](connect_session_runtime::store::Store) for a store.
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

            async fn load(
                &self,
                key: connect_session_runtime::record::Key,
                request: &connect_session_runtime::record::LoadRequest,
            ) -> Result<
                Option<connect_session_runtime::record::Record<D>>,
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

            fn now(&self) -> connect_session_runtime::timestamp::Timestamp {
                crate::operations::Dialect::now(&*self.0.inner)
            }
        }
    };
}

pub(crate) use implement_store;
