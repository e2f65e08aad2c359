//! What an administrator may see of a session.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::subject_index::last_seen;
use super::{BoxFuture, StoreError};
use crate::data::EncodedFields;
use crate::record::{Deadlines, Key, Lifetime, Login};
use crate::sid::SessionId;

/// A store that shows a session to an administrator, who knows its public id and not its secret.
///
/// Neither method writes anything, so looking at a session does not extend it.
///
/// A store of this kind returns itself from [`Store::as_inspect`](super::Store::as_inspect). The conformance
/// kit tests these rules.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot show a session to an administrator",
    label = "its sessions cannot be looked up by their ids",
    note = "use a store that can: `MemoryStore`, `RedisStore`, `PostgresStore`, `MySqlStore` or `SqliteStore`"
)]
pub trait Inspect: Send + Sync {
    /// The living session under a key; `None` if there is none. The result contains no secret and no hash of one.
    ///
    /// # Errors
    /// If the store does not answer. [`StoreError::Undecodable`] if the record is not one of this library, or of
    /// another version of it; the type of the data does not matter.
    fn inspect(&self, key: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>>;

    /// The number of living sessions in a namespace, as far as the store knows it for little work. A store that
    /// looks at each session stops at `at_most`.
    ///
    /// # Errors
    /// If the store does not answer.
    fn live_count(
        &self,
        namespace: &'static str,
        at_most: u64,
    ) -> BoxFuture<'_, Result<LiveCount, StoreError>>;
}

/// A session as [`Inspect`] shows it. It contains nothing that gives access to the session.
#[derive(Clone)]
#[non_exhaustive]
pub struct Inspected {
    /// The public id.
    pub id: SessionId,
    /// When it was created.
    pub created_at: SystemTime,
    /// When a request last used it, up to `touch_every` late (by default a tenth of its idle timeout).
    pub last_seen_at: SystemTime,
    /// When it ends unless another request uses it.
    pub expires_at: SystemTime,
    /// The login; `None` if the session belongs to no user.
    pub login: Option<Arc<Login>>,
    /// What a person calls it, such as the name of a device.
    pub label: Option<String>,
    /// The fields of its data, as they are stored.
    pub fields: EncodedFields,
}

impl Inspected {
    /// A session as its record shows it.
    #[must_use]
    pub fn new(
        id: SessionId,
        login: Option<Arc<Login>>,
        deadlines: &Deadlines,
        lifetime: Lifetime,
        label: Option<&str>,
        fields: EncodedFields,
    ) -> Self {
        Self {
            id,
            created_at: deadlines.created_at.into(),
            last_seen_at: last_seen(deadlines, lifetime),
            expires_at: deadlines.expires_at().into(),
            login,
            label: label.map(str::to_owned),
            fields,
        }
    }
}

/// Without the user, the label and the data, which may be personal.
impl fmt::Debug for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspected")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("last_seen_at", &self.last_seen_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The number of living sessions of a config, as far as the store knows it for little work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LiveCount {
    /// There are exactly as many.
    Exact(u64),
    /// There are as many or more: the store has stopped counting.
    AtLeast(u64),
    /// The store would have to look at every key of its server, as Redis would.
    NotCounted,
}
