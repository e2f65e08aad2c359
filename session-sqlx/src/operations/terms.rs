//! The terms of a login.

use connect_session_runtime::record::{
    CommitId, Key, NewLogin, OnMaxSessions, RevocationMark, SessionLimit, SubjectKey,
};
use connect_session_runtime::sid::SessionId;

/// A fence or a limit, so that a login depends on the other sessions of its subject.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) subject: SubjectKey,
    pub(crate) id: SessionId,
    #[cfg_attr(
        not(feature = "mysql"),
        allow(dead_code, reason = "only MySQL has two steps to tell apart")
    )]
    pub(crate) commit_id: CommitId,
    pub(crate) fence: Option<RevocationMark>,
    pub(crate) limit: Option<SessionLimit>,
}

impl Terms {
    pub(super) fn new(key: Key, login: &NewLogin, commit_id: CommitId) -> Option<Self> {
        (login.fence.is_some() || login.limit.is_some()).then(|| Self {
            subject: SubjectKey::new(key.namespace, &login.subject),
            id: key.id,
            commit_id,
            fence: login.fence,
            limit: login.limit,
        })
    }

    /// Whether the login is refused, rather than other sessions ended, if there are too many.
    pub(crate) fn refuses(&self) -> bool {
        let limit = self.limit.as_ref();
        limit.is_some_and(|limit| limit.when_reached == OnMaxSessions::Refuse)
    }
}
