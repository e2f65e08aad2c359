//! Where sessions are kept: the trait [`Store`], and the stores.

use std::future::Future;

use crate::data::{EncodeError, SessionData};
use crate::record::{Change, Key, LoadRequest, NewRecord, Record, Snapshot};
use crate::sid::SessionId;
use crate::timestamp::Timestamp;

mod any;
mod memory;
pub mod state;

pub(crate) use any::StoreRef;
pub use any::{AnyStore, BoxFuture};
pub use memory::{MemoryStore, MemoryStoreBuilder};

/// The cause of a failure, whatever it is.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A place where sessions with data `D` are kept.
///
/// Every verb is one atomic step: two that overlap happen one after the other, whichever process
/// they come from. A record whose idle or absolute deadline has passed, by the store's own clock,
/// does not exist for any verb. A store never parses the fields that it keeps. What a verb
/// promises is checked by the conformance kit, `connect_session::testing::conformance`.
///
/// A verb whose future is dropped has happened wholly or not at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no store for sessions that hold `{D}`",
    label = "not a session store",
    note = "a store implements `connect_session::store::Store<{D}>`; `MemoryStore` does for every data type"
)]
pub trait Store<D: SessionData>: Send + Sync + 'static {
    /// Whether the store answers, asked once by `start()`.
    ///
    /// # Errors
    /// What is wrong, for the person who started the program.
    fn check_ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// Whether the store keeps data in encoded form, and so looks after `max_size` itself.
    fn is_serializing(&self) -> bool {
        true
    }

    /// The same store, if it never has to wait: a request then asks it without a future. A store
    /// that is at hand once is so always, and its two ways do the same.
    ///
    /// ```
    /// use connect_session::Untyped;
    /// use connect_session::store::{AnyStore, MemoryStore, Store};
    ///
    /// let store = MemoryStore::<Untyped>::new();
    /// assert!(store.as_sync().is_some());
    /// assert!(AnyStore::new(store).as_sync().is_some(), "whatever its type is called");
    /// ```
    fn as_sync(&self) -> Option<&dyn SyncStore<D>> {
        None
    }

    /// Keeps a new record, of epoch 0 and generation 0. It never replaces a living one.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is no room; nothing was written.
    fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> impl Future<Output = Result<InsertOutcome<D>, StoreError>> + Send;

    /// The record, if it is alive and the secret is its current one, an offered one, or one whose
    /// grace time is not over, and was presented the way the record's sid travels. Nothing is
    /// read, and no deadline slides, otherwise.
    ///
    /// The same step slides the idle deadline once `touch_every` has passed since it last did,
    /// promotes an offered secret that was presented, and takes a renewal's candidate.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where what is kept is not what `D` expects.
    fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> impl Future<Output = Result<Option<Record<D>>, StoreError>> + Send;

    /// Applies a change to a living record, wholly or not at all; it never creates one. In this
    /// order:
    ///
    /// 1. no living record: [`CommitOutcome::Ended`];
    /// 2. the record carries the change's commit id: [`CommitOutcome::Applied`], nothing is written;
    /// 3. another generation: [`CommitOutcome::Ended`];
    /// 4. an identity change from another epoch, or data of which a changed field (in a store of
    ///    live values: the whole) is no longer what the change is based on:
    ///    [`CommitOutcome::Conflict`], with the record as it is;
    /// 5. else it is applied. The epoch rises by one with an identity change, and the generation
    ///    with one that says so; the version of the data, and the revision of each written field,
    ///    rise; the commit id is kept; the idle deadline counts from now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if nothing was written for sure, else
    /// [`StoreError::OutcomeUnknown`].
    fn commit(
        &self,
        key: Key,
        change: &Change<D>,
    ) -> impl Future<Output = Result<CommitOutcome<D>, StoreError>> + Send;

    /// Removes the record; whether there was a living one.
    ///
    /// # Errors
    /// When it is not sure that the record is gone.
    fn destroy(&self, key: Key) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What tells this store from others, if it can be told: two stores of one place keep the same
    /// records. It is compared and shown, so it has no secret in it. `start()` refuses two
    /// configs with one namespace in one place.
    fn backend_id(&self) -> Option<String> {
        None
    }

    /// How many living records a namespace has.
    ///
    /// # Errors
    /// When the store cannot tell.
    fn count(
        &self,
        namespace: &'static str,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Removes up to `limit` records whose deadlines have passed, and says how many. Stores whose
    /// server forgets by itself have nothing to do.
    ///
    /// # Errors
    /// When the store did not answer.
    fn sweep(&self, limit: usize) -> impl Future<Output = Result<usize, StoreError>> + Send {
        let _ = limit;
        async { Ok(0) }
    }

    /// Now, by the clock that decides over deadlines.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The verbs of a store that never waits for anything: one that keeps its records in the memory of
/// this process. Each does what that of [`Store`] does, and blocks its thread for microseconds at
/// most: no file, no socket.
pub trait SyncStore<D>: Send + Sync {
    /// As [`Store::insert`].
    ///
    /// # Errors
    /// As [`Store::insert`].
    fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError>;

    /// As [`Store::load`].
    ///
    /// # Errors
    /// As [`Store::load`].
    fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError>;

    /// As [`Store::commit`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError>;

    /// As [`Store::destroy`].
    ///
    /// # Errors
    /// As [`Store::destroy`].
    fn destroy(&self, key: Key) -> Result<bool, StoreError>;
}

/// What became of an insertion.
#[derive(Debug)]
pub enum InsertOutcome<D> {
    /// The record is kept.
    Done {
        /// What a later change is based on.
        snapshot: Snapshot<D>,
        /// The sessions that had to give way.
        evicted: Vec<SessionId>,
    },
    /// A living record has this id; nothing was written.
    Exists,
}

/// What became of a change.
#[derive(Debug)]
pub enum CommitOutcome<D> {
    /// It is applied; if the data changed, this is what a later change is based on.
    Applied(Option<Snapshot<D>>),
    /// Something that the change is based on is no longer so; nothing was written.
    Conflict(Box<Record<D>>),
    /// The session has ended; nothing was written.
    Ended,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused; nothing was written.
    #[error("the session store is not available")]
    Unavailable(#[source] BoxError),
    /// The store did not answer in time; what was sent may have been written or not.
    #[error("the session store did not say whether the change was written")]
    OutcomeUnknown(#[source] BoxError),
    /// There is no room for another session.
    #[error("the session store is full")]
    Full,
    /// What is kept for a session is not what its type expects. It is left as it is.
    #[error("the stored session cannot be decoded{}", .field.as_ref().map(|name| format!(": field `{name}`")).unwrap_or_default())]
    Undecodable {
        /// The top-level field that is wrong, where one can be told.
        field: Option<String>,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// The data cannot be encoded, or is too large; nothing was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
