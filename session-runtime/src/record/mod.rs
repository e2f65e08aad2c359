//! The record that a store keeps for a session, and the requests that a store answers.

mod change;
mod lifetime;
mod load;
mod login;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::change::{Change, CommitId, DataChange, IdentityChange};
pub use self::lifetime::{Deadlines, Lifetime};
pub use self::load::{LoadRequest, Renewal};
pub use self::login::{
    FIRST_LEVEL, LONGEST_SUBJECT, Login, LoginChange, NewLogin, OnMaxSessions, RevocationMark,
    SessionLimit, SubjectKey,
};
use crate::data::DataFormat;
use crate::sid::{SecretHash, SessionId};

/// The key of a record: the session's id within the namespace of its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The config's namespace; a record is unknown under any other.
    pub namespace: &'static str,
    /// The session's id.
    pub id: SessionId,
}

/// How the sid of a session travels. A sid that was set as a cookie is unknown when it is presented
/// in another way, and vice versa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// In a cookie that scripts cannot read.
    Cookie,
    /// In a header or another part of the request.
    Other,
}

/// The data of a record at one point in time, as the base of a later change.
pub struct Snapshot<D> {
    /// The data.
    pub data: Arc<D>,
    /// Raised by every change of the data.
    pub version: u64,
    /// What a serializing store keeps of the record for a later change: at least the fields, from which it takes
    /// those that the type does not know. `None` in a store of live values.
    pub stored: Option<Arc<Vec<u8>>>,
}

impl<D> Snapshot<D> {
    /// The snapshot of a serializing store: `bytes` are the fields or the whole record, as it encodes them.
    #[must_use]
    pub fn with_bytes(data: Arc<D>, version: u64, bytes: Vec<u8>) -> Self {
        Self {
            data,
            version,
            stored: Some(Arc::new(bytes)),
        }
    }

    /// The bytes of [`with_bytes`](Self::with_bytes), in a serializing store.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.stored.as_deref().map(Vec::as_slice)
    }
}

impl<D> Clone for Snapshot<D> {
    fn clone(&self) -> Self {
        Self {
            data: self.data.clone(),
            version: self.version,
            stored: self.stored.clone(),
        }
    }
}

impl<D> fmt::Debug for Snapshot<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A record as a load or a conflict returns it.
#[derive(Debug)]
pub struct Record<D> {
    /// The data.
    pub snapshot: Snapshot<D>,
    /// Raised by every [`IdentityChange`]. The first use of an offered secret does not raise it,
    /// since it invalidates no request in progress.
    pub epoch: u64,
    /// Raised by every login and reset: data of another generation belongs to another user.
    pub generation: u64,
    /// The id of the last change that was applied.
    pub commit_id: CommitId,
    /// The deadlines.
    pub deadlines: Deadlines,
    /// The lifetime from which the deadlines are counted.
    pub lifetime: Lifetime,
    /// The login; `None` if the session belongs to no user.
    pub login: Option<Arc<Login>>,
    /// Whether the load that returned this record offered the [`Renewal::candidate`].
    pub renewed: bool,
}

impl<D> NewRecord<D> {
    /// The same record with another format of the data.
    #[must_use]
    pub fn with_format(&self, format: DataFormat) -> Self {
        Self {
            secret: self.secret,
            transport: self.transport,
            data: self.data.clone(),
            login: self.login.clone(),
            label: self.label.clone(),
            lifetime: self.lifetime,
            first_use_timeout: self.first_use_timeout,
            commit_id: self.commit_id,
            max_size: self.max_size,
            format,
        }
    }
}

impl<D> Record<D> {
    /// The user that the session belongs to.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.login.as_ref().map(|login| &*login.subject)
    }
}

impl<D> Clone for Record<D> {
    fn clone(&self) -> Self {
        Self {
            snapshot: self.snapshot.clone(),
            epoch: self.epoch,
            generation: self.generation,
            commit_id: self.commit_id,
            deadlines: self.deadlines,
            lifetime: self.lifetime,
            login: self.login.clone(),
            renewed: self.renewed,
        }
    }
}

/// A session to be stored.
#[derive(Debug)]
pub struct NewRecord<D> {
    /// The hash of its secret.
    pub secret: SecretHash,
    /// How its sid travels.
    pub transport: Transport,
    /// Its data.
    pub data: Arc<D>,
    /// The login of the user that it belongs to.
    pub login: Option<NewLogin>,
    /// What a person calls it, such as the name of a device.
    pub label: Option<Arc<str>>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// How long it lives if no load finds it. `None`, and a time longer than the idle time, have no effect.
    pub first_use_timeout: Option<Duration>,
    /// Identifies the insertion.
    pub commit_id: CommitId,
    /// The largest size of the encoded data in bytes, which serializing stores enforce.
    pub max_size: u64,
    /// The format of the data.
    pub format: DataFormat,
}
