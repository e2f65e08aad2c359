//! The builder of a memory store.

use std::fmt;
use std::marker::PhantomData;

use super::MemoryStore;
use super::records::Records;
use crate::clock::Clock;

/// The default capacity, in sessions.
const CAPACITY: usize = 1_000_000;

/// Builds a [`MemoryStore`]; see [`MemoryStore::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder<D> {
    capacity: usize,
    clock: Option<Clock>,
    data: PhantomData<fn() -> D>,
}

impl<D> MemoryStoreBuilder<D> {
    fn new() -> Self {
        Self {
            capacity: CAPACITY,
            clock: None,
            data: PhantomData,
        }
    }

    /// The largest number of sessions that the store holds; the default is a million.
    ///
    /// Memory is allocated as sessions are added.
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions;
        self
    }

    /// The clock for deadlines; the default is [`Clock::system`]. Tests pass a fake clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    /// Builds the store, which is empty.
    #[must_use]
    pub fn build(self) -> MemoryStore<D> {
        let clock = self.clock.unwrap_or_default();
        MemoryStore::of_records(Records::new(self.capacity, clock))
    }
}

impl<D> MemoryStore<D> {
    /// An empty store for a million sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder for a store with another capacity or clock.
    pub fn builder() -> MemoryStoreBuilder<D> {
        MemoryStoreBuilder::new()
    }
}

impl<D> fmt::Debug for MemoryStoreBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStoreBuilder")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
