//! How a memory store is made.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::MemoryStore;
use super::room::Room;
use crate::clock::Clock;

/// How many sessions a store holds unless it is told otherwise.
const CAPACITY: usize = 1_000_000;

/// Builds a [`MemoryStore`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder<D> {
    capacity: usize,
    clock: Option<Clock>,
    data: PhantomData<fn() -> D>,
}

impl<D> MemoryStoreBuilder<D> {
    pub(super) fn new() -> Self {
        Self {
            capacity: CAPACITY,
            clock: None,
            data: PhantomData,
        }
    }

    /// The most sessions that the store holds; a million unless this is called.
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions;
        self
    }

    /// The clock that decides over deadlines; [`Clock::system`] unless this is called.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    /// The store, empty.
    #[must_use]
    pub fn build(self) -> MemoryStore<D> {
        let clock = self.clock.unwrap_or_default();
        MemoryStore {
            room: Arc::new(Room::new(self.capacity, clock)),
        }
    }
}

impl<D> fmt::Debug for MemoryStoreBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStoreBuilder")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
