//! Logins: whose session it is, and how and when the user proved that.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::timestamp::Timestamp;

/// The level of a session after a login: the user has proved one factor, such as a password.
pub const FIRST_LEVEL: u8 = 1;

/// The login of a session, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user to whom the session belongs.
    pub subject: Arc<str>,
    /// When the user logged in.
    pub logged_in_at: Timestamp,
    /// When the user last proved who they are: at the login, or later.
    pub authenticated_at: Timestamp,
    /// How well the user proved it: 1 after a login, more after a further factor.
    pub level: u8,
}

/// A login to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogin {
    /// The user to whom the session belongs from now on.
    pub subject: Arc<str>,
    /// How well the user proved who they are.
    pub level: u8,
    /// What the store said of the subject before the user was asked for a password. If the subject's
    /// sessions were all ended since, the login is refused; see [`RevocationMark::accepts`].
    pub fence: Option<RevocationMark>,
    /// How many sessions the subject may have, this one included.
    pub limit: Option<SessionLimit>,
}

impl NewLogin {
    /// A login of this subject, at the first level, without a fence or a limit.
    #[must_use]
    pub fn new(subject: impl Into<Arc<str>>) -> Self {
        Self {
            subject: subject.into(),
            level: FIRST_LEVEL,
            fence: None,
            limit: None,
        }
    }
}

/// How many sessions a subject may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    /// The number.
    pub max: NonZeroU32,
    /// What happens to a login that would exceed it.
    pub when_reached: OnMaxSessions,
}

/// What happens to a login of a subject that has as many sessions as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMaxSessions {
    /// The sessions with the earliest logins end.
    EndOldest,
    /// The login is refused.
    Refuse,
}

/// The longest id of a user, in bytes: a megabyte.
pub const LONGEST_SUBJECT: usize = 1 << 20;

/// A change of a session's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginChange {
    /// The login stays.
    Keep,
    /// The session belongs to this subject from now on.
    Set(NewLogin),
    /// The session belongs to no subject from now on.
    Clear,
    /// The user has proved once more who they are. Has no effect on a session without a login.
    Authenticate {
        /// The new level, if it changes.
        level: Option<u8>,
    },
}

impl LoginChange {
    /// The login after the change.
    #[must_use]
    pub fn apply(&self, before: Option<Arc<Login>>, now: Timestamp) -> Option<Arc<Login>> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(new) => Some(Arc::new(Login::new(new, now))),
            Self::Authenticate { level } => before.map(|login| {
                let mut login = Arc::unwrap_or_clone(login);
                login.authenticated_at = now;
                login.level = level.unwrap_or(login.level);
                Arc::new(login)
            }),
        }
    }
}

impl Login {
    /// A login that is stored at this time.
    #[must_use]
    pub fn new(new: &NewLogin, now: Timestamp) -> Self {
        Self {
            subject: new.subject.clone(),
            logged_in_at: now,
            authenticated_at: now,
            level: new.level,
        }
    }
}

/// The key by which a store finds the sessions of a subject: a hash, so that its size does not depend
/// on the subject.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectKey {
    /// The config's namespace; the sessions of other namespaces are not found.
    pub namespace: &'static str,
    /// The SHA-256 hash of the namespace, a zero byte and the subject.
    pub hash: [u8; 32],
}

impl SubjectKey {
    /// The key of a subject.
    #[must_use]
    pub fn new(namespace: &'static str, subject: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(namespace)
            .chain_update([0])
            .chain_update(subject)
            .finalize();
        Self {
            namespace,
            hash: hash.into(),
        }
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectKey")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Tells whether all sessions of a subject were ended between two moments: then the mark of the second
/// moment is greater. It is 0 if that has not happened for a long time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RevocationMark(u64);

impl RevocationMark {
    /// How long a store keeps a mark, in milliseconds: twice as long as an attempt to log in may take.
    pub const KEPT_MILLIS: u64 = 30 * 60 * 1_000;

    /// A mark that no subject has.
    pub const NEVER: Self = Self(u64::MAX);

    /// The mark with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Whether a login with this fence is accepted while its subject has this mark.
    ///
    /// A subject without a mark accepts every fence but [`NEVER`](Self::NEVER): its mark was forgotten because
    /// it was raised longer ago than an attempt to log in may take, and has not been raised since.
    ///
    /// ```
    /// use connect_session::store::{RevocationMark, Timestamp};
    ///
    /// let before = RevocationMark::default();
    /// let after = before.next(Timestamp::now());
    /// assert!(before.accepts(before) && !after.accepts(before));
    /// ```
    #[must_use]
    pub const fn accepts(self, fence: Self) -> bool {
        let is_same = self.0 == fence.0 || self.0 == 0;
        is_same && fence.0 != Self::NEVER.0
    }

    /// The next mark, at this time of the store's clock: the time in microseconds, or one more than this
    /// mark. So a mark that was forgotten is never given a second time.
    #[must_use]
    pub const fn next(self, now: Timestamp) -> Self {
        let micros = now.as_millis().saturating_mul(1_000);
        let next = self.0.saturating_add(1);
        Self(if micros > next { micros } else { next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_accepted_until_its_mark_is_raised() {
        let of = RevocationMark::from_number;
        let (none, never) = (RevocationMark::default(), RevocationMark::NEVER);
        assert!(none.accepts(none) && of(5).accepts(of(5)));
        assert!(none.accepts(of(5)), "the mark was forgotten");
        assert!(!of(5).accepts(none) && !of(5).accepts(of(4)) && !of(5).accepts(of(6)));
        assert!(!none.accepts(never) && !of(5).accepts(never) && !never.accepts(never));
    }

    #[test]
    fn a_mark_grows_even_if_the_clock_stands_still_or_goes_back() {
        let first = RevocationMark::default().next(Timestamp::from_millis(5));
        assert_eq!(first.number(), 5_000);
        let second = first.next(Timestamp::from_millis(5));
        let third = second.next(Timestamp::from_millis(4));
        assert_eq!((second.number(), third.number()), (5_001, 5_002));
    }

    #[test]
    fn subjects_and_namespaces_have_different_keys() {
        let key = SubjectKey::new("a", "bc");
        assert_eq!(key, SubjectKey::new("a", "bc"));
        assert_ne!(key.hash, SubjectKey::new("ab", "c").hash);
        assert_ne!(key.hash, SubjectKey::new("a", "bd").hash);
        assert!(!format!("{key:?}").contains("bc"));
    }
}
