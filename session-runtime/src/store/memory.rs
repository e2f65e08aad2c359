//! The memory store.

/// The memory store.
#[derive(Debug)]
pub struct MemoryStore;
/// Its builder.
#[derive(Debug)]
pub struct MemoryStoreBuilder;
