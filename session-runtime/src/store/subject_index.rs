//! The index of the sessions of each subject.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::{BoxFuture, StoreError};
use crate::record::{Deadlines, Lifetime, Login, RevocationMark, SubjectKey};
use crate::sid::SessionId;
use crate::timestamp::Timestamp;

/// A store that knows the sessions of each subject, so that they can be listed, ended and limited.
///
/// These rules extend those of [`Store`](super::Store):
///
/// - The index contains every living session that has a [`Login`], from the moment at which the login is
///   committed to the moment at which the session ends, is reset, or logs in as somebody else.
/// - A login whose [`fence`](crate::record::NewLogin::fence) the mark of the subject does not
///   [accept](RevocationMark::accepts) is refused ([`LoginRefusal::Revoked`](super::LoginRefusal::Revoked)).
/// - With a [`limit`](crate::record::NewLogin::limit), either the login is refused
///   ([`LoginRefusal::TooManySessions`](super::LoginRefusal::TooManySessions)), or the sessions of the subject
///   with the earliest logins end in the same atomic step. The session that logs in counts, but never
///   ends, and sessions that have ended do not count.
/// - Every text of at most [`LONGEST_SUBJECT`](crate::record::LONGEST_SUBJECT) bytes can be a subject.
/// - A check of the change itself comes first: a login that conflicts ends no other session.
///
/// A store of this kind returns itself from [`Store::as_subject_index`](super::Store::as_subject_index). The
/// conformance kit tests these rules.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know which sessions belong to a user",
    label = "its sessions can be neither listed nor ended by user",
    note = "use a store that does: `MemoryStore`, `RedisStore`, `PostgresStore`, `MySqlStore` or `SqliteStore`"
)]
pub trait SubjectIndex: Send + Sync {
    /// The mark of a subject, which [`end_all`](Self::end_all) raises.
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>>;

    /// The living sessions of a subject, the latest login first: at most `limit` of those after the cursor.
    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>>;

    /// The number of living sessions of a subject.
    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Ends a session if it belongs to this subject. Returns whether it did and was alive.
    ///
    /// # Errors
    /// If the session may still exist.
    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Raises the mark of the subject, which is kept for [`RevocationMark::KEPT_MILLIS`], and ends all of
    /// its sessions except one. Returns the ids of those that were alive.
    ///
    /// A login that is committed afterwards is not affected, unless it has a fence from before.
    ///
    /// # Errors
    /// If some of the sessions may still exist.
    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>>;
}

/// A session of a user, as a list shows it. It contains nothing that gives access to the session.
///
/// It serializes with the names of these fields, and the times as milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// The public id, which [`end`](SubjectIndex::end) takes.
    pub id: SessionId,
    /// When it was created.
    #[serde(serialize_with = "as_millis")]
    pub created_at: SystemTime,
    /// When its user logged in.
    #[serde(serialize_with = "as_millis")]
    pub logged_in_at: SystemTime,
    /// When its user last proved who they are.
    #[serde(serialize_with = "as_millis")]
    pub authenticated_at: SystemTime,
    /// When a request last used it, up to `touch_every` late (by default a tenth of its idle timeout).
    #[serde(serialize_with = "as_millis")]
    pub last_seen_at: SystemTime,
    /// When it ends unless another request uses it.
    #[serde(serialize_with = "as_millis")]
    pub expires_at: SystemTime,
    /// How well its user proved who they are; 1 after a login.
    pub level: u8,
    /// What a person calls it, such as the name of a device.
    pub label: Option<String>,
    /// Whether it is the session of the request that asks.
    pub is_current: bool,
}

impl Listed {
    /// A session as its record shows it.
    #[must_use]
    pub fn new(
        id: SessionId,
        login: &Login,
        deadlines: &Deadlines,
        lifetime: Lifetime,
        label: Option<&str>,
    ) -> Self {
        Self {
            id,
            created_at: deadlines.created_at.into(),
            logged_in_at: login.logged_in_at.into(),
            authenticated_at: login.authenticated_at.into(),
            last_seen_at: last_seen(deadlines, lifetime),
            expires_at: deadlines.expires_at().into(),
            level: login.level,
            label: label.map(str::to_owned),
            is_current: false,
        }
    }
}

/// When a request last used a session with these deadlines.
pub(super) fn last_seen(deadlines: &Deadlines, lifetime: Lifetime) -> SystemTime {
    // A session that was not used yet may have an earlier idle deadline than others.
    let seen_at = deadlines.idle_until - lifetime.idle();
    seen_at.max(deadlines.created_at).into()
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ListPage {
    /// The sessions, the latest login first.
    pub sessions: Vec<Listed>,
    /// Where the next part begins; `None` if this is the last one.
    pub next: Option<ListCursor>,
}

impl ListPage {
    /// A part with these sessions.
    #[must_use]
    pub const fn new(sessions: Vec<Listed>, next: Option<ListCursor>) -> Self {
        Self { sessions, next }
    }
}

/// A position in a list of sessions. As text, it can be part of a URL.
///
/// ```
/// use connect_session::store::ListCursor;
///
/// let cursor: ListCursor = "1764455520000-0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11".parse()?;
/// assert_eq!(cursor.to_string(), "1764455520000-0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11");
/// # Ok::<(), connect_session::store::InvalidListCursor>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// When the user of the last session before this position logged in.
    pub logged_in_at: Timestamp,
    /// The id of that session.
    pub id: SessionId,
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.logged_in_at.as_millis(), self.id)
    }
}

/// As text.
impl Serialize for ListCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ListCursor {
    type Err = InvalidListCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (millis, id) = text.split_once('-').ok_or(InvalidListCursor)?;
        let millis = millis.parse().map_err(|_| InvalidListCursor)?;
        Ok(Self {
            logged_in_at: Timestamp::from_millis(millis),
            id: id.parse().map_err(|_| InvalidListCursor)?,
        })
    }
}

/// The error of parsing a [`ListCursor`]: the text was not made from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidListCursor;

impl fmt::Display for InvalidListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a position in a list of sessions")
    }
}

impl std::error::Error for InvalidListCursor {}

fn as_millis<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(Timestamp::from(*time).as_millis())
}
