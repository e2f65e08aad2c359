//! A store whose type is only known at run time.

mod inspect;
mod subject_index;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{
    CommitOutcome, InsertOutcome, Inspect, LoadOutcome, Store, StoreError, SubjectIndex, SyncStore,
};
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord};
use crate::timestamp::Timestamp;

/// A boxed future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of any type, for a program that chooses its store at run time.
///
/// A clone refers to the same store. Each asynchronous operation costs one allocation more than
/// with the store's own type.
///
/// ```
/// use connect_session::Untyped;
/// use connect_session::store::{AnyStore, MemoryStore};
///
/// let store: AnyStore<Untyped> = AnyStore::new(MemoryStore::new());
/// # let _ = store;
/// ```
pub struct AnyStore<D>(Arc<dyn ErasedStore<D>>);

impl<D: SessionData> AnyStore<D> {
    /// Erases the type of a store.
    #[must_use]
    pub fn new(store: impl Store<D>) -> Self {
        Self(Arc::new(store))
    }
}

impl<D> Clone for AnyStore<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D> fmt::Debug for AnyStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore")
    }
}

/// The object-safe form of [`Store`].
trait ErasedStore<D>: Send + Sync {
    fn check_ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    fn is_serializing(&self) -> bool;
    fn keeps_data_version(&self) -> bool;
    fn supports_sealing(&self) -> bool;
    fn detects_reuse(&self) -> bool;
    fn insert<'a>(
        &'a self,
        key: Key,
        record: &'a NewRecord<D>,
    ) -> BoxFuture<'a, Result<InsertOutcome<D>, StoreError>>;
    fn load<'a>(
        &'a self,
        key: Key,
        request: &'a LoadRequest,
    ) -> BoxFuture<'a, Result<LoadOutcome<D>, StoreError>>;
    fn as_sync(&self) -> Option<&dyn SyncStore<D>>;
    fn as_subject_index(&self) -> Option<&dyn SubjectIndex>;
    fn as_inspect(&self) -> Option<&dyn Inspect>;
    fn commit<'a>(
        &'a self,
        key: Key,
        change: &'a Change<D>,
    ) -> BoxFuture<'a, Result<CommitOutcome<D>, StoreError>>;
    fn destroy(&self, key: Key) -> BoxFuture<'_, Result<bool, StoreError>>;
    fn backend_id(&self) -> Option<String>;
    fn max_session_size(&self) -> Option<u64>;
    fn count(&self, namespace: &'static str) -> BoxFuture<'_, Result<u64, StoreError>>;
    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>>;
    fn now(&self) -> Timestamp;
}

impl<D: SessionData, S: Store<D>> ErasedStore<D> for S {
    fn check_ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(Store::check_ready(self))
    }

    fn is_serializing(&self) -> bool {
        Store::is_serializing(self)
    }

    fn keeps_data_version(&self) -> bool {
        Store::keeps_data_version(self)
    }

    fn supports_sealing(&self) -> bool {
        Store::supports_sealing(self)
    }

    fn detects_reuse(&self) -> bool {
        Store::detects_reuse(self)
    }

    fn insert<'a>(
        &'a self,
        key: Key,
        record: &'a NewRecord<D>,
    ) -> BoxFuture<'a, Result<InsertOutcome<D>, StoreError>> {
        Box::pin(Store::insert(self, key, record))
    }

    fn load<'a>(
        &'a self,
        key: Key,
        request: &'a LoadRequest,
    ) -> BoxFuture<'a, Result<LoadOutcome<D>, StoreError>> {
        Box::pin(Store::load(self, key, request))
    }

    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        Store::as_sync(self)
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Store::as_subject_index(self)
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        Store::as_inspect(self)
    }

    fn commit<'a>(
        &'a self,
        key: Key,
        change: &'a Change<D>,
    ) -> BoxFuture<'a, Result<CommitOutcome<D>, StoreError>> {
        Box::pin(Store::commit(self, key, change))
    }

    fn destroy(&self, key: Key) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(Store::destroy(self, key))
    }

    fn backend_id(&self) -> Option<String> {
        Store::backend_id(self)
    }

    fn max_session_size(&self) -> Option<u64> {
        Store::max_session_size(self)
    }

    fn count(&self, namespace: &'static str) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(Store::count(self, namespace))
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(Store::sweep(self, limit))
    }

    fn now(&self) -> Timestamp {
        Store::now(self)
    }
}

impl<D: SessionData> Store<D> for AnyStore<D> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.0.check_ready().await
    }

    fn is_serializing(&self) -> bool {
        self.0.is_serializing()
    }

    fn keeps_data_version(&self) -> bool {
        self.0.keeps_data_version()
    }

    fn supports_sealing(&self) -> bool {
        self.0.supports_sealing()
    }

    fn detects_reuse(&self) -> bool {
        self.0.detects_reuse()
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.0.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        self.0.load(key, request).await
    }

    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        self.0.as_sync()
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        self.0.as_subject_index()
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        self.0.as_inspect()
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        self.0.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.0.destroy(key).await
    }

    fn backend_id(&self) -> Option<String> {
        self.0.backend_id()
    }

    fn max_session_size(&self) -> Option<u64> {
        self.0.max_session_size()
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.0.count(namespace).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.0.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The store of a request: the one of its config, or one that a layer provided.
pub(crate) enum StoreRef<D: SessionData, S: 'static> {
    Own(&'static S),
    Given(AnyStore<D>),
}

impl<D: SessionData, S> Clone for StoreRef<D, S> {
    fn clone(&self) -> Self {
        match self {
            Self::Own(store) => Self::Own(store),
            Self::Given(store) => Self::Given(store.clone()),
        }
    }
}

impl<D: SessionData, S: Store<D>> StoreRef<D, S> {
    /// Whether both refer to one store. Two stores that share a server are not one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(a), Self::Own(b)) => std::ptr::eq(*a, *b),
            (Self::Given(a), Self::Given(b)) => Arc::ptr_eq(&a.0, &b.0),
            _ => false,
        }
    }

    pub(crate) fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> impl Future<Output = Result<InsertOutcome<D>, StoreError>> + Send {
        async move {
            match self {
                Self::Own(store) => store.insert(key, record).await,
                Self::Given(store) => store.0.insert(key, record).await,
            }
        }
    }

    pub(crate) fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> impl Future<Output = Result<LoadOutcome<D>, StoreError>> + Send {
        async move {
            match self {
                Self::Own(store) => store.load(key, request).await,
                Self::Given(store) => store.0.load(key, request).await,
            }
        }
    }

    pub(crate) fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        match self {
            Self::Own(store) => store.as_sync(),
            Self::Given(store) => store.0.as_sync(),
        }
    }

    pub(crate) fn commit(
        &self,
        key: Key,
        change: &Change<D>,
    ) -> impl Future<Output = Result<CommitOutcome<D>, StoreError>> + Send {
        async move {
            match self {
                Self::Own(store) => store.commit(key, change).await,
                Self::Given(store) => store.0.commit(key, change).await,
            }
        }
    }

    pub(crate) async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        match self {
            Self::Own(store) => store.count(namespace).await,
            Self::Given(store) => store.0.count(namespace).await,
        }
    }

    pub(crate) async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        match (self.as_sync(), self) {
            (Some(store), _) => store.destroy(key),
            // Boxed, to keep the future of every handler that destroys a session small.
            (None, Self::Own(store)) => Box::pin(store.destroy(key)).await,
            (None, Self::Given(store)) => store.0.destroy(key).await,
        }
    }

    /// The store as it shows sessions to an administrator.
    pub(crate) fn inspect(&self) -> Option<&dyn Inspect> {
        match self {
            Self::Own(store) => store.as_inspect(),
            Self::Given(store) => store.0.as_inspect(),
        }
    }

    /// The index of the sessions of each user.
    pub(crate) fn subject_index(&self) -> Option<&dyn SubjectIndex> {
        match self {
            Self::Own(store) => store.as_subject_index(),
            Self::Given(store) => store.0.as_subject_index(),
        }
    }

    pub(crate) fn is_serializing(&self) -> bool {
        match self {
            Self::Own(store) => store.is_serializing(),
            Self::Given(store) => store.0.is_serializing(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Own(store) => store.now(),
            Self::Given(store) => store.0.now(),
        }
    }
}
