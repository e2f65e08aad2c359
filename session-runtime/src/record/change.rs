//! Changes: the requests of a commit.

use std::fmt;
use std::sync::Arc;

use super::{Lifetime, LoginChange, Snapshot};
use crate::data::DataFormat;
use crate::random;
use crate::sid::SecretHash;

/// A random number that identifies a change, so that a repeated change is applied only once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// A new id: 128 bits from a CSPRNG. No other process draws the same one, not even after a fork.
    #[must_use]
    pub fn random() -> Self {
        Self(random::bytes())
    }

    /// A new id for a record that no other process can see: spares the system call of
    /// [`random`](Self::random).
    pub(crate) fn random_in_process() -> Self {
        Self(random::bytes_of_this_process())
    }

    /// The id as 16 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// A change of a record: only the parts that are `Some` are written.
///
/// A store applies it in one atomic step; see [`Store::commit`](crate::store::Store::commit).
#[derive(Debug)]
pub struct Change<D> {
    /// Identifies the change; a record with this commit id already contains it.
    pub commit_id: CommitId,
    /// The epoch that was loaded.
    pub epoch: u64,
    /// The generation that was loaded.
    pub generation: u64,
    /// New data.
    pub data: Option<DataChange<D>>,
    /// A new secret and login.
    pub identity: Option<IdentityChange>,
    /// A new lifetime. Both deadlines count from now.
    pub lifetime: Option<Lifetime>,
    /// The format of the data.
    pub format: DataFormat,
    /// A new label; an empty one is none.
    pub label: Option<Arc<str>>,
}

impl<D> Change<D> {
    /// Whether the change has no part. Committing it still moves the idle deadline.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_none()
            && self.identity.is_none()
            && self.lifetime.is_none()
            && self.label.is_none()
    }

    /// The user who logs in with the change.
    pub(crate) fn new_subject(&self) -> Option<&str> {
        match &self.identity.as_ref()?.login {
            LoginChange::Set(login) => Some(&login.subject),
            _ => None,
        }
    }

    /// The record's generation after the change.
    pub(crate) fn generation_after(&self) -> u64 {
        let is_new = (self.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        self.generation + u64::from(is_new)
    }

    /// The same change without its data, for code that must not depend on the type of the data.
    #[must_use]
    pub fn without_data(&self) -> Change<()> {
        self.with(None, self.format)
    }

    /// The same change with another format of the data.
    #[must_use]
    pub fn with_format(&self, format: DataFormat) -> Self {
        let data = self.data.as_ref().map(|data| DataChange {
            base: data.base.clone(),
            data: data.data.clone(),
            max_size: data.max_size,
        });
        self.with(data, format)
    }

    fn with<E>(&self, data: Option<DataChange<E>>, format: DataFormat) -> Change<E> {
        Change {
            commit_id: self.commit_id,
            epoch: self.epoch,
            generation: self.generation,
            data,
            identity: self.identity.clone(),
            lifetime: self.lifetime,
            format,
            label: self.label.clone(),
        }
    }
}

/// New data and the data that it is based on.
#[derive(Debug)]
pub struct DataChange<D> {
    /// The snapshot that the change is based on; `None` replaces the stored data unconditionally.
    pub base: Option<Snapshot<D>>,
    /// The new data.
    pub data: Arc<D>,
    /// The largest size of the encoded data in bytes, which serializing stores enforce.
    pub max_size: u64,
}

/// A new secret and, if it changes, a new login.
#[derive(Debug, Clone)]
pub struct IdentityChange {
    /// The hash of the new secret. Every other secret of the record becomes invalid.
    pub secret: SecretHash,
    /// Whether the generation is raised, as a login and a reset do. Both deadlines then count
    /// from now (NIST SP 800-63B-4, 5.2).
    pub new_generation: bool,
    /// The change of the login.
    pub login: LoginChange,
}
