//! A store whose type is known at run time only.

mod url;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{AtHand, Committed, Inserted, Store, StoreError};
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord, Record};
use crate::timestamp::Timestamp;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of any type, for a program that decides at run time where its sessions are kept.
///
/// A clone is the same store. It costs one allocation a verb over the store itself.
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
    /// This store, without its type.
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

/// The form of [`Store`] without its type.
trait ErasedStore<D>: Send + Sync {
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;
    fn encodes(&self) -> bool;
    fn insert<'a>(
        &'a self,
        key: Key,
        record: &'a NewRecord<D>,
    ) -> BoxFuture<'a, Result<Inserted<D>, StoreError>>;
    fn load<'a>(
        &'a self,
        key: Key,
        request: &'a LoadRequest,
    ) -> BoxFuture<'a, Result<Option<Record<D>>, StoreError>>;
    fn at_hand(&self) -> Option<&dyn AtHand<D>>;
    fn commit<'a>(
        &'a self,
        key: Key,
        change: &'a Change<D>,
    ) -> BoxFuture<'a, Result<Committed<D>, StoreError>>;
    fn destroy(&self, key: Key) -> BoxFuture<'_, Result<bool, StoreError>>;
    fn place(&self) -> Option<String>;
    fn count(&self, namespace: &'static str) -> BoxFuture<'_, Result<u64, StoreError>>;
    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>>;
    fn now(&self) -> Timestamp;
}

impl<D: SessionData, S: Store<D>> ErasedStore<D> for S {
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(Store::ready(self))
    }

    fn encodes(&self) -> bool {
        Store::encodes(self)
    }

    fn insert<'a>(
        &'a self,
        key: Key,
        record: &'a NewRecord<D>,
    ) -> BoxFuture<'a, Result<Inserted<D>, StoreError>> {
        Box::pin(Store::insert(self, key, record))
    }

    fn load<'a>(
        &'a self,
        key: Key,
        request: &'a LoadRequest,
    ) -> BoxFuture<'a, Result<Option<Record<D>>, StoreError>> {
        Box::pin(Store::load(self, key, request))
    }

    fn at_hand(&self) -> Option<&dyn AtHand<D>> {
        Store::at_hand(self)
    }

    fn commit<'a>(
        &'a self,
        key: Key,
        change: &'a Change<D>,
    ) -> BoxFuture<'a, Result<Committed<D>, StoreError>> {
        Box::pin(Store::commit(self, key, change))
    }

    fn destroy(&self, key: Key) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(Store::destroy(self, key))
    }

    fn place(&self) -> Option<String> {
        Store::place(self)
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
    async fn ready(&self) -> Result<(), StoreError> {
        self.0.ready().await
    }

    fn encodes(&self) -> bool {
        self.0.encodes()
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        self.0.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        self.0.load(key, request).await
    }

    fn at_hand(&self) -> Option<&dyn AtHand<D>> {
        self.0.at_hand()
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        self.0.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.0.destroy(key).await
    }

    fn place(&self) -> Option<String> {
        self.0.place()
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

/// The store of a request: the config's own, or one that a layer brought.
pub(crate) enum StoreRef<D: SessionData, S: 'static> {
    Own(&'static S),
    Given(AnyStore<D>),
}

impl<D: SessionData, S: Store<D>> StoreRef<D, S> {
    pub(crate) fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> impl Future<Output = Result<Inserted<D>, StoreError>> + Send {
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
    ) -> impl Future<Output = Result<Option<Record<D>>, StoreError>> + Send {
        async move {
            match self {
                Self::Own(store) => store.load(key, request).await,
                Self::Given(store) => store.0.load(key, request).await,
            }
        }
    }

    pub(crate) fn at_hand(&self) -> Option<&dyn AtHand<D>> {
        match self {
            Self::Own(store) => store.at_hand(),
            Self::Given(store) => store.0.at_hand(),
        }
    }

    pub(crate) fn commit(
        &self,
        key: Key,
        change: &Change<D>,
    ) -> impl Future<Output = Result<Committed<D>, StoreError>> + Send {
        async move {
            match self {
                Self::Own(store) => store.commit(key, change).await,
                Self::Given(store) => store.0.commit(key, change).await,
            }
        }
    }

    pub(crate) async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        match (self.at_hand(), self) {
            (Some(store), _) => store.destroy(key),
            // In a box: else a handler that destroys had to have room for it.
            (None, Self::Own(store)) => Box::pin(store.destroy(key)).await,
            (None, Self::Given(store)) => store.0.destroy(key).await,
        }
    }

    pub(crate) fn encodes(&self) -> bool {
        match self {
            Self::Own(store) => store.encodes(),
            Self::Given(store) => store.0.encodes(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Own(store) => store.now(),
            Self::Given(store) => store.0.now(),
        }
    }
}
