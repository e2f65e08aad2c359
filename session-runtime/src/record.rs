//! What a store keeps for a session, and what a commit sends to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;

use crate::clock::millis;
use crate::sid::{SecretHash, SessionId};
use crate::timestamp::Timestamp;

/// The key of a record: the id, within the namespace of its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The config's namespace; a record is unknown under any other.
    pub namespace: &'static str,
    /// The record's id.
    pub id: SessionId,
}

/// How the sid of a session travels: a sid that was set as a cookie is unknown anywhere else, and
/// the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// In a cookie that scripts cannot read.
    Cookie,
    /// In a header, or elsewhere in the request.
    Other,
}

/// How long a session lives, in whole milliseconds. A store counts both from its own clock's now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    idle_millis: u64,
    absolute_millis: u64,
}

impl Lifetime {
    /// A life of `idle` without any request, and of `absolute` whatever happens. What is less than
    /// a millisecond is left out.
    #[must_use]
    pub fn new(idle: Duration, absolute: Duration) -> Self {
        Self::from_millis(millis(idle), millis(absolute))
    }

    /// The same, of whole milliseconds, as a store keeps them.
    #[must_use]
    pub const fn from_millis(idle_millis: u64, absolute_millis: u64) -> Self {
        Self {
            idle_millis,
            absolute_millis,
        }
    }

    /// How long without any request.
    #[must_use]
    pub const fn idle(self) -> Duration {
        Duration::from_millis(self.idle_millis)
    }

    /// How long whatever happens.
    #[must_use]
    pub const fn absolute(self) -> Duration {
        Duration::from_millis(self.absolute_millis)
    }

    /// The idle time in milliseconds.
    #[must_use]
    pub const fn idle_millis(self) -> u64 {
        self.idle_millis
    }

    /// The absolute time in milliseconds.
    #[must_use]
    pub const fn absolute_millis(self) -> u64 {
        self.absolute_millis
    }
}

/// The deadlines of a record, by the clock of its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// When the session was created.
    pub created_at: Timestamp,
    /// When it ends if nothing is asked of it until then.
    pub idle_until: Timestamp,
    /// When it ends in any case.
    pub absolute_until: Timestamp,
}

impl Deadlines {
    /// When the session ends if nothing is asked of it until then.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.idle_until.min(self.absolute_until)
    }
}

/// A random number that marks a change, so that it is never counted twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// A new id: 128 bits of a CSPRNG.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The id as 16 bytes, as a store keeps it.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The id that these bytes are.
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

/// The data of a record at one moment: what a later change is based on.
///
/// A store of live values counts a `version` for the whole. A store of encoded fields keeps the
/// revision of each field instead, so that changes of different fields never conflict.
pub struct Snapshot<D> {
    /// The data.
    pub data: Arc<D>,
    /// Raised by every change of the data.
    pub version: u64,
    /// The revision of each stored field; `None` in a store of live values.
    pub revisions: Option<Arc<BTreeMap<String, u64>>>,
}

impl<D> Clone for Snapshot<D> {
    fn clone(&self) -> Self {
        Self {
            data: self.data.clone(),
            version: self.version,
            revisions: self.revisions.clone(),
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

/// A record, as a load or a conflict shows it.
#[derive(Debug)]
pub struct Record<D> {
    /// The data.
    pub snapshot: Snapshot<D>,
    /// Raised by every [`IdentityChange`]. A client's first use of an offered secret does not raise
    /// it: it changes nothing that a request under way is based on.
    pub epoch: u64,
    /// Raised by every login and reset: the data of another generation is another user's.
    pub generation: u64,
    /// The last change that was applied.
    pub commit_id: CommitId,
    /// Its deadlines.
    pub deadlines: Deadlines,
    /// How long it lives from one request to the next, and from one beginning to its end.
    pub lifetime: Lifetime,
    /// Whom the session belongs to.
    pub subject: Option<Arc<str>>,
    /// The load that shows this record took the [`Renewal::candidate`] as a second secret.
    pub renewed: bool,
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
            subject: self.subject.clone(),
            renewed: self.renewed,
        }
    }
}

/// What a load asks. A record is shown, and its idle deadline slides, only where the secret and
/// the transport match.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest {
    /// The hash of the secret that was presented.
    pub secret: SecretHash,
    /// How it was presented.
    pub transport: Transport,
    /// How much of the idle time must have passed before the deadline is written anew; a tenth of
    /// the record's own idle time if `None`, or if it is no shorter than that time.
    pub touch_every: Option<Duration>,
    /// Whether a second secret is to be offered.
    pub renewal: Option<Renewal>,
}

/// The offer of a second secret, made inside a load that presented the current one.
///
/// The first load that presents an offered secret makes it the current one; the secret before
/// stays good for the grace time. A secret that was offered and never used is replaced by the
/// next offer.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// An offer is made when the current secret, and any offer before, are at least this old.
    pub every: Duration,
    /// How long a secret stays good after its successor was used. What the load that promotes says
    /// holds, and what the offer said where that load asks for no renewal.
    pub grace: Duration,
    /// The hash of the secret to be offered.
    pub candidate: SecretHash,
}

/// A session that is to be stored.
#[derive(Debug)]
pub struct NewRecord<D> {
    /// The hash of its secret.
    pub secret: SecretHash,
    /// How its sid travels.
    pub transport: Transport,
    /// Its data.
    pub data: Arc<D>,
    /// Whom it belongs to.
    pub subject: Option<Arc<str>>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Marks the insertion.
    pub commit_id: CommitId,
    /// The most bytes that encoded data may have, for a store that encodes.
    pub max_size: u64,
}

/// A change of a record: only what is `Some` is written.
///
/// A store applies it in one atomic step, as [`Store::commit`](crate::store::Store::commit) says.
#[derive(Debug)]
pub struct Change<D> {
    /// Marks the change; a record that carries this id already has it.
    pub commit_id: CommitId,
    /// The epoch that was loaded.
    pub epoch: u64,
    /// The generation that was loaded.
    pub generation: u64,
    /// New data.
    pub data: Option<DataChange<D>>,
    /// A new secret, and whom the session belongs to from now on.
    pub identity: Option<IdentityChange>,
    /// Another lifetime; both deadlines count from now.
    pub lifetime: Option<Lifetime>,
}

impl<D> Change<D> {
    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_none() && self.identity.is_none() && self.lifetime.is_none()
    }

    /// The same change without its data, for a task that must not depend on the type of the data.
    #[must_use]
    pub fn without_data(&self) -> Change<()> {
        Change {
            commit_id: self.commit_id,
            epoch: self.epoch,
            generation: self.generation,
            data: None,
            identity: self.identity.clone(),
            lifetime: self.lifetime,
        }
    }
}

/// New data, and what it is based on.
#[derive(Debug)]
pub struct DataChange<D> {
    /// What the change is based on; `None` replaces whatever is there.
    pub base: Option<Snapshot<D>>,
    /// The data as it is to be.
    pub data: Arc<D>,
    /// The most bytes that encoded data may have, for a store that encodes.
    pub max_size: u64,
}

/// A new secret.
#[derive(Debug, Clone)]
pub struct IdentityChange {
    /// The hash of the new secret; every other secret of the record is dead.
    pub secret: SecretHash,
    /// Whether the generation is raised too, as a login and a reset do. Both deadlines then count
    /// from now (NIST SP 800-63B-4, 5.2).
    pub new_generation: bool,
    /// Whom the session belongs to from now on.
    pub subject: SubjectChange,
}

/// What becomes of a session's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectChange {
    /// It stays.
    Keep,
    /// The session belongs to this one from now on.
    Set(Arc<str>),
    /// The session belongs to nobody.
    Clear,
}

impl SubjectChange {
    /// The subject after the change.
    #[must_use]
    pub fn apply(&self, before: Option<Arc<str>>) -> Option<Arc<str>> {
        match self {
            Self::Keep => before,
            Self::Set(subject) => Some(subject.clone()),
            Self::Clear => None,
        }
    }
}
