//! The stores under test. Another one is a variant here, and a module in `support/cases.rs`.

use std::time::SystemTime;

use connect_session::store::{
    Change, Committed, Inserted, Key, LoadRequest, MemoryStore, NewRecord, Record, Store,
    StoreError,
};
use connect_session::testing::{FailingStore, FakeClock, Faults};
use connect_session::{SessionData, Untyped};

use crate::data::Stuff;
use crate::encoded::EncodedStore;

/// Which store a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Live values, as the memory store keeps them.
    Memory,
    /// Encoded fields, as a store on a server keeps them.
    Encoded,
}

/// What a config of the suite is mounted with.
pub type TestStore<D> = FailingStore<AnyStore<D>>;

/// The stores of one server, or of several that share them. Time passes only by hand.
#[derive(Debug, Clone)]
pub struct Stores {
    pub clock: FakeClock,
    /// Of nearly every config.
    pub stuff: TestStore<Stuff>,
    /// Of the config without a data type.
    pub loose: TestStore<Untyped>,
    /// What is in them, if they keep fields; else a place for the configs that need one that does.
    pub encoded: EncodedStore,
}

impl Stores {
    pub fn new(kind: StoreKind) -> Self {
        Self::with_capacity(kind, 1_000_000)
    }

    /// A memory store of this size; the other one has no limit.
    pub fn with_capacity(kind: StoreKind, sessions: usize) -> Self {
        let clock = FakeClock::new();
        let encoded = EncodedStore::new(clock.clone());
        Self {
            stuff: FailingStore::new(AnyStore::new(kind, &clock, &encoded, sessions)),
            loose: FailingStore::new(AnyStore::new(kind, &clock, &encoded, sessions)),
            clock,
            encoded,
        }
    }

    /// What goes wrong in the store of nearly every config, and what was asked of it.
    pub fn faults(&self) -> Faults {
        self.stuff.faults()
    }

    /// A store of encoded fields, whatever the others are.
    pub fn fields<D: SessionData>(&self) -> TestStore<D> {
        FailingStore::new(AnyStore::Encoded(self.encoded.clone()))
    }

    /// How many living sessions of a namespace that store has.
    pub async fn count(&self, namespace: &'static str) -> u64 {
        self.stuff.count(namespace).await.unwrap()
    }

    /// How many writes that store was asked for.
    pub fn writes(&self) -> u64 {
        let faults = self.faults();
        faults.inserts() + faults.commits() + faults.destroys()
    }
}

/// A store of any kind.
#[derive(Debug, Clone)]
pub enum AnyStore<D> {
    Memory(MemoryStore<D>),
    Encoded(EncodedStore),
}

impl<D> AnyStore<D> {
    fn new(kind: StoreKind, clock: &FakeClock, encoded: &EncodedStore, sessions: usize) -> Self {
        match kind {
            StoreKind::Memory => Self::Memory(
                MemoryStore::builder()
                    .capacity(sessions)
                    .clock(clock)
                    .build(),
            ),
            StoreKind::Encoded => Self::Encoded(encoded.clone()),
        }
    }
}

impl<D: SessionData> Store<D> for AnyStore<D> {
    fn encodes(&self) -> bool {
        match self {
            Self::Memory(store) => store.encodes(),
            Self::Encoded(store) => Store::<D>::encodes(store),
        }
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        match self {
            Self::Memory(store) => store.insert(key, record).await,
            Self::Encoded(store) => store.insert(key, record).await,
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        match self {
            Self::Memory(store) => store.load(key, request).await,
            Self::Encoded(store) => store.load(key, request).await,
        }
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        match self {
            Self::Memory(store) => store.commit(key, change).await,
            Self::Encoded(store) => store.commit(key, change).await,
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        match self {
            Self::Memory(store) => store.destroy(key).await,
            Self::Encoded(store) => Store::<D>::destroy(store, key).await,
        }
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        match self {
            Self::Memory(store) => store.count(namespace).await,
            Self::Encoded(store) => Store::<D>::count(store, namespace).await,
        }
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        match self {
            Self::Memory(store) => store.sweep(limit).await,
            Self::Encoded(store) => Store::<D>::sweep(store, limit).await,
        }
    }

    fn now(&self) -> SystemTime {
        match self {
            Self::Memory(store) => store.now(),
            Self::Encoded(store) => Store::<D>::now(store),
        }
    }
}
