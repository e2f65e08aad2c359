//! Session stores: the trait [`Store`] and the stores of this crate.

use std::future::Future;

use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord};
use crate::timestamp::Timestamp;

mod any;
mod inspect;
mod memory;
mod outcome;
#[cfg(feature = "_layer")]
mod refusing;
pub mod state;
mod subject_index;

pub(crate) use any::StoreRef;
pub use any::{AnyStore, BoxFuture};
pub use inspect::{Inspect, Inspected, LiveCount};
pub use memory::{MemoryStore, MemoryStoreBuilder};
pub use outcome::{BoxError, CommitOutcome, InsertOutcome, LoadOutcome, LoginRefusal, StoreError};
#[cfg(feature = "_layer")]
pub(crate) use refusing::RefusingStore;
pub use subject_index::{InvalidListCursor, ListCursor, ListPage, Listed, SubjectIndex};

/// A store for sessions that hold data of type `D`.
///
/// # Writing a store
///
/// A store implements [`insert`](Self::insert), [`load`](Self::load), [`commit`](Self::commit),
/// [`destroy`](Self::destroy) and [`count`](Self::count); the other methods have defaults. These
/// rules hold for all of them:
///
/// - Each operation is atomic: concurrent operations on a record, from any process, have the same
///   result as if they ran one after the other.
/// - If the future of an operation is dropped, the operation has happened completely or not at all.
/// - A record whose idle or absolute deadline has passed, by the store's own clock, does not exist
///   for any operation. Deadlines have millisecond precision.
/// - A record is only known under the namespace that it was inserted with.
/// - Secrets are only stored and compared as their hashes.
///
/// A store that decides in Rust can take all decisions from [`state`]; one that decides in a script
/// or statement of its server must decide the same. There are two ways to keep the data:
///
/// - A *serializing* store keeps the top-level fields of the data as opaque JSON texts.
///   [`NewRecord::fields`] encodes new data, [`DataChange::fields_after`] a change, and
///   [`decode_fields`] decodes both.
/// - A store of live values, such as [`MemoryStore`], keeps the `Arc` with a version for the whole.
///
/// The conformance kit, `connect_session::testing::conformance`, tests all of these rules.
///
/// [`NewRecord::fields`]: crate::record::NewRecord::fields
/// [`DataChange::fields_after`]: crate::record::DataChange::fields_after
/// [`decode_fields`]: crate::data::decode_fields
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store for sessions that hold `{D}`",
    label = "not a session store",
    note = "a store implements `connect_session::store::Store<{D}>`; `MemoryStore` does for every data type"
)]
pub trait Store<D: SessionData>: Send + Sync + 'static {
    /// Checks that the store is reachable and set up. `start()` calls it once.
    ///
    /// # Errors
    /// A description of the problem and its fix, for the operator of the program.
    fn check_ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// Whether the store encodes the data. Such a store enforces `max_size` itself.
    fn is_serializing(&self) -> bool {
        true
    }

    /// The synchronous interface of this store, if none of its operations ever waits. Requests then
    /// use it without creating a future.
    ///
    /// Must always return the same answer; both interfaces must behave identically.
    ///
    /// ```
    /// use connect_session::Untyped;
    /// use connect_session::store::{AnyStore, MemoryStore, Store};
    ///
    /// let store = MemoryStore::<Untyped>::new();
    /// assert!(store.as_sync().is_some());
    /// assert!(AnyStore::new(store).as_sync().is_some(), "also behind `AnyStore`");
    /// ```
    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        None
    }

    /// The index of the sessions of each subject, if the store has one.
    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        None
    }

    /// This store as it shows sessions to an administrator, if it can.
    fn as_inspect(&self) -> Option<&dyn Inspect> {
        None
    }

    /// Stores a new record with epoch 0, generation 0 and version 1. Both deadlines count from now. With
    /// a [`first_use_timeout`](NewRecord::first_use_timeout) the record awaits its first use: the idle
    /// deadline is at most that far away, and only a load moves it to a later time.
    ///
    /// Never replaces a living record: if the id belongs to one, returns [`InsertOutcome::Exists`].
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no room; nothing was written. [`StoreError::Encode`] if the
    /// data cannot be encoded or exceeds `max_size`. [`StoreError::OutcomeUnknown`] if the record
    /// may have been written.
    fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> impl Future<Output = Result<InsertOutcome<D>, StoreError>> + Send;

    /// Finds the record if it is alive, the transport matches, and the presented secret is the
    /// current one, an offered one, or the previous one within its grace period. Otherwise writes
    /// nothing, and returns [`LoadOutcome::Unknown`], [`Replaced`](LoadOutcome::Replaced) or
    /// [`Reused`](LoadOutcome::Reused).
    ///
    /// The same atomic step
    ///
    /// - counts the idle deadline from now, if `touch_every` has passed since that was last done, or
    ///   if the record awaits its first use, which this load is;
    /// - makes an offered secret that was presented the current one;
    /// - offers the renewal's candidate, if a renewal is due ([`Record::renewed`](crate::record::Record::renewed)).
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] if the stored data does not match `D`. [`StoreError::NewerData`] if
    /// data of a later version does not.
    fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> impl Future<Output = Result<LoadOutcome<D>, StoreError>> + Send;

    /// Applies a change to a living record, completely or not at all. Never creates a record. The
    /// first of these rules that matches decides:
    ///
    /// 1. There is no living record: [`CommitOutcome::Ended`].
    /// 2. The record's commit id is that of the change: [`CommitOutcome::Applied`], and nothing is
    ///    written. So a repeated change is applied once.
    /// 3. The generation differs: [`CommitOutcome::Ended`].
    /// 4. [`CommitOutcome::Conflict`], with the record as it is, if the change has an identity and
    ///    the epoch differs; or if it has data with a base, and the record no longer has the version
    ///    of the base.
    /// 5. The change is applied. The record takes over its commit id, and the idle deadline counts
    ///    from now, unless that moves it to a later time while the record awaits its first use. An
    ///    identity change raises the epoch by one, and the generation too if it says
    ///    so. New data raises the version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if certainly nothing was written, otherwise
    /// [`StoreError::OutcomeUnknown`]. [`StoreError::Encode`] if the data cannot be encoded or
    /// exceeds `max_size`; nothing was written. [`StoreError::NewerData`] if the change writes
    /// data, the record's data has a later version than [`DataFormat::current`], and no rule before 4
    /// decides; nothing was written.
    ///
    /// [`DataFormat::current`]: crate::data::DataFormat::current
    fn commit(
        &self,
        key: Key,
        change: &Change<D>,
    ) -> impl Future<Output = Result<CommitOutcome<D>, StoreError>> + Send;

    /// Whether the store keeps the version of each record's data, as [`DataFormat`] says. Only such a
    /// store can be used with a `data_version`; any other ignores the versions in requests. A store of
    /// live values needs none.
    ///
    /// [`DataFormat`]: crate::data::DataFormat
    fn keeps_data_version(&self) -> bool {
        !self.is_serializing()
    }

    /// Whether the store reads and writes fields only through the functions that seal them:
    /// [`NewRecord::fields`](crate::record::NewRecord::fields),
    /// [`DataChange::fields_after`](crate::record::DataChange::fields_after) and [`DataFormat::decode`], each
    /// with the format of the request. Only such a store can be wrapped by one that seals data.
    ///
    /// [`DataFormat::decode`]: crate::data::DataFormat::decode
    fn supports_sealing(&self) -> bool {
        false
    }

    /// Whether [`load`](Self::load) returns [`LoadOutcome::Reused`] for a secret that a renewal has replaced.
    /// A config with `on_reuse: end` refuses a store that does not.
    fn detects_reuse(&self) -> bool {
        false
    }

    /// Removes the record. Returns whether there was a living one.
    ///
    /// # Errors
    /// If the record may still exist.
    fn destroy(&self, key: Key) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Identifies the backend, if known: two stores with equal ids keep the same records.
    ///
    /// Two configs with the same namespace cannot use one backend: each would accept sids of the other.
    /// The id appears in messages, so it must not contain a secret.
    fn backend_id(&self) -> Option<String> {
        None
    }

    /// The size in bytes of the largest session that the backend accepts, if it has a limit. Known after
    /// [`check_ready`](Self::check_ready); `start()` refuses a larger `max_size`.
    fn max_session_size(&self) -> Option<u64> {
        None
    }

    /// The number of living records in a namespace.
    ///
    /// # Errors
    /// If the store does not answer or cannot count.
    fn count(
        &self,
        namespace: &'static str,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Removes up to `limit` expired records of any namespace, and returns how many it removed.
    /// Stores whose server expires records itself keep the default, which does nothing.
    ///
    /// # Errors
    /// If the store does not answer.
    fn sweep(&self, limit: usize) -> impl Future<Output = Result<usize, StoreError>> + Send {
        let _ = limit;
        async { Ok(0) }
    }

    /// The current time by the clock that deadlines are compared with.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operations of a store that never waits, because it keeps its records in the memory of this
/// process. See [`Store::as_sync`].
///
/// Each operation behaves like the one of [`Store`] with the same name. It may block its thread for
/// some microseconds, for instance on a lock, but must not do I/O.
pub trait SyncStore<D>: Send + Sync {
    /// See [`Store::insert`].
    ///
    /// # Errors
    /// See [`Store::insert`].
    fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError>;

    /// See [`Store::load`].
    ///
    /// # Errors
    /// See [`Store::load`].
    fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError>;

    /// See [`Store::commit`].
    ///
    /// # Errors
    /// See [`Store::commit`].
    fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError>;

    /// See [`Store::destroy`].
    ///
    /// # Errors
    /// See [`Store::destroy`].
    fn destroy(&self, key: Key) -> Result<bool, StoreError>;
}
