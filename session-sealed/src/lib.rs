//! [`Sealed`]: session data that the store keeps encrypted. Use it through the feature `sealed` of
//! `connect-session`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cipher;
mod index;
mod inspect;
mod keys;

use connect_session_runtime::data::{DataFormat, SessionData};
use connect_session_runtime::record::{Change, Key, LoadRequest, NewRecord};
use connect_session_runtime::store::{
    CommitOutcome, InsertOutcome, Inspect, LoadOutcome, Store, StoreError, SubjectIndex,
};
use connect_session_runtime::timestamp::Timestamp;

use self::cipher::Cipher;
pub use self::keys::{InvalidSealingKeys, SealingKeys};

/// A store that encrypts the data of sessions before another store gets it. Somebody who reads the database, a
/// backup or the network between does not learn what the sessions contain.
///
/// ```no_run
/// use connect_session::session_config;
/// use connect_session::store::{RedisStore, Sealed};
///
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # pub struct Account { iban: Option<String> }
/// session_config! {
///     /// Sessions of the bank's API.
///     pub struct Bank {
///         data: Account,
///         store: Sealed<RedisStore> = Sealed::new(
///             RedisStore::connect(&std::env::var("REDIS_URL")?).await?,
///             std::env::var("SESSION_KEYS")?.parse()?,
///         ),
///     }
/// }
/// ```
///
/// Every store of this library that encodes data can be sealed. `MemoryStore` encodes nothing and is refused at
/// the start, and so is a store of your own until it says [`Store::supports_sealing`].
///
/// # What is encrypted
///
/// Each top-level field of the data, with XChaCha20-Poly1305 and a random nonce of 192 bits. A field is bound to
/// the namespace, the id of the session and its own name: copied to another session or under another name, it
/// does not open.
///
/// The store needs the rest, so it is readable: the names of the fields and the length of each, the user of a
/// session ([`subject`](connect_session_runtime::session::Session::subject)), its label, level and times.
/// Every store, sealed or not, keeps only hashes of the secrets of sids. Somebody who can *write* to the database
/// cannot forge a field, but can put back an older state of a session, remove fields from it, or end it. The page
/// for administrators shows values as they are stored.
///
/// # A wrong key
///
/// A session that was sealed with a key that the program does not have, or that somebody has changed, is
/// [`Undecodable`](StoreError::Undecodable): requests get a 500, or with `create` a new session, and the session is left
/// as it is. It never counts as an empty session, not even with `on_undecodable: replace`. [`SealingKeys`] says how to change the key.
///
/// # Cost
///
/// About 65 bytes a field, and a third of its length. Opening or sealing five fields of 30 bytes takes 10 and 12
/// microseconds, a field of 64 KB 90 and 150. `max_size` limits the data before it is sealed. A change seals all
/// fields of the session again.
#[derive(Debug, Clone)]
pub struct Sealed<S> {
    store: S,
    cipher: &'static Cipher,
}

impl<S> Sealed<S> {
    /// Seals the data in a store.
    ///
    /// The keys stay in memory until the program ends.
    #[must_use]
    pub fn new(store: S, keys: SealingKeys) -> Self {
        Self::with(store, keys, false)
    }

    /// Like [`new`](Self::new), but data that is not sealed can also be read.
    ///
    /// For a while after a program that did not seal its sessions begins to: each is sealed at its next change.
    /// Until then, somebody who can write to the database can forge a field that is not sealed. Once
    /// `absolute_timeout` has passed, replace it by [`new`](Self::new).
    #[must_use]
    pub fn accepting_unsealed(store: S, keys: SealingKeys) -> Self {
        Self::with(store, keys, true)
    }

    fn with(store: S, keys: SealingKeys, accepts_unsealed: bool) -> Self {
        let cipher = Cipher {
            keys,
            accepts_unsealed,
        };
        Self {
            store,
            // A store lives as long as its program, and every request refers to the keys.
            cipher: Box::leak(Box::new(cipher)),
        }
    }

    fn sealed(&self, format: DataFormat, key: Key) -> DataFormat {
        format.sealed(self.cipher, key.namespace, key.id)
    }

    /// # Errors
    /// If the store would keep the data unsealed.
    fn check<D: SessionData>(&self) -> Result<(), StoreError>
    where
        S: Store<D>,
    {
        if self.store.supports_sealing() {
            return Ok(());
        }
        let reason = "this store cannot keep sealed data; seal a `RedisStore`, `PostgresStore`, `MySqlStore`, \
                      `SqliteStore` or `TowerStore`";
        Err(StoreError::Unstorable(reason.into()))
    }
}

impl<D: SessionData, S: Store<D>> Store<D> for Sealed<S> {
    async fn check_ready(&self) -> Result<(), StoreError> {
        self.check::<D>()?;
        self.store.check_ready().await
    }

    fn is_serializing(&self) -> bool {
        self.store.is_serializing()
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        self.store.as_subject_index()
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        self.store.as_inspect()
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<D>,
    ) -> Result<InsertOutcome<D>, StoreError> {
        self.check::<D>()?;
        let record = record.with_format(self.sealed(record.format, key));
        self.store.insert(key, &record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        self.check::<D>()?;
        let request = LoadRequest {
            format: self.sealed(request.format, key),
            ..*request
        };
        self.store.load(key, &request).await
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        self.check::<D>()?;
        let change = change.with_format(self.sealed(change.format, key));
        self.store.commit(key, &change).await
    }

    fn keeps_data_version(&self) -> bool {
        self.store.keeps_data_version()
    }

    fn detects_reuse(&self) -> bool {
        self.store.detects_reuse()
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.store.destroy(key).await
    }

    fn backend_id(&self) -> Option<String> {
        self.store.backend_id()
    }

    /// Sealed, a field has a third more bytes, and what the key and the nonce need.
    fn max_session_size(&self) -> Option<u64> {
        Some(self.store.max_session_size()? / 4 * 3)
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.store.count(namespace).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.sweep(limit).await
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }
}
