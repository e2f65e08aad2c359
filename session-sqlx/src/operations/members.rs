//! Scripts about the sessions of one subject. They contain no argument but numbers and bytes.

use std::borrow::Cow;
use std::marker::PhantomData;

use connect_session_runtime::record::{RevocationMark, SubjectKey};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::state::TOMBSTONE_MILLIS;

use super::Dialect;
use super::statements::{deadline, is_alive};
use crate::backend::Inner;
use crate::convert::to_i64;
use crate::row::REPLACED;

/// How long the row of a subject stays that was written as a lock.
///
/// A transaction needs it for a moment. A login in one statement notices by the row that others have logged in or ended
/// sessions since the statement began (see `postgres/login.rs`), so the row must not be removed meanwhile, also if the
/// transaction that wrote it was slow.
pub(crate) const LOCK_KEPT_MILLIS: u64 = 5 * 60 * 1_000;

/// Writes the scripts about the sessions of one subject.
///
/// Each transaction first writes the row of the subject, so that those of one subject run one after the
/// other. What they find next is read by a statement of its own, whose snapshot is taken after the wait.
pub(crate) struct Members<B> {
    sessions: String,
    pub(crate) subjects: String,
    /// The key of the subject, as it is written in a text.
    pub(crate) key: String,
    pub(super) now: Cow<'static, str>,
    backend: PhantomData<fn() -> B>,
}

impl<B: Dialect> Members<B> {
    pub(crate) fn new(inner: &Inner<B>, subject: &SubjectKey) -> Self {
        Self {
            sessions: inner.table.quoted(B::QUOTE),
            subjects: inner.table.subjects().quoted(B::QUOTE),
            key: B::bytes_literal(&subject.hash),
            now: B::now_literal(inner),
            backend: PhantomData,
        }
    }

    /// Writes the row of the subject, as a lock.
    pub(crate) fn lock(&self) -> String {
        let kept_until = format!("{} + {}", self.now, to_i64(LOCK_KEPT_MILLIS));
        let kept = format!(
            "kept_until = {}({}kept_until, {kept_until})",
            B::GREATEST,
            B::STORED
        );
        self.upsert("0", &kept_until, &kept)
    }

    /// The session that logged in last of those that have to end for the login of `id`, if there are any. The new
    /// session counts, and is not among the others.
    pub(crate) fn last_beyond(&self, id: SessionId, max_sessions: u32) -> String {
        let Self { key, now, .. } = self;
        format!(
            "SELECT login_at, {} FROM {} WHERE subject_key = {key} AND id <> {} AND {}
                ORDER BY login_at DESC, id DESC LIMIT 1 OFFSET {}",
            B::ID,
            self.sessions,
            B::id_literal(id.as_bytes()),
            is_alive::<B>(now),
            max_sessions.saturating_sub(1)
        )
    }

    /// Whether a session is another than `id`, and its login is not after that of `last`.
    pub(crate) fn until(id: SessionId, login_at: &str, last: &str) -> String {
        format!(
            "id <> {} AND (login_at < {login_at} OR login_at = {login_at} AND id <= {last})",
            B::id_literal(id.as_bytes())
        )
    }

    /// Raises the mark, and ends all sessions except one.
    pub(super) fn end_all(&self, except: Option<SessionId>) -> String {
        let now = &self.now;
        let micros = format!("{now} * 1000");
        let kept_until = format!("{now} + {}", to_i64(RevocationMark::KEPT_MILLIS));
        let raised = format!(
            "mark = {}({}mark + 1, {micros}), kept_until = {kept_until}",
            B::GREATEST,
            B::STORED
        );
        let raise = self.upsert(&micros, &kept_until, &raised);
        let others = except.map_or_else(
            || "id IS NOT NULL".to_owned(),
            |id| format!("id <> {}", B::id_literal(id.as_bytes())),
        );
        format!("{}; {raise}; {}; COMMIT", B::BEGIN, self.end(&others))
    }

    fn upsert(&self, mark: &str, kept_until: &str, update: &str) -> String {
        let Self { subjects, key, .. } = self;
        format!(
            "INSERT INTO {subjects}{} (subject_key, mark, kept_until) VALUES ({key}, {mark}, {kept_until})
                {} {update}",
            B::STORED_AS,
            B::ON_DUPLICATE
        )
    }

    /// Turns living sessions into tombstones, and shows a time after now for each, and its id.
    pub(crate) fn replace(&self, which: &str) -> String {
        let Self {
            sessions, key, now, ..
        } = self;
        let living = format!(
            "WHERE subject_key = {key} AND {} AND {which}",
            is_alive::<B>(now)
        );
        let update = format!("UPDATE {sessions} SET {} {living}", tombstone::<B>(now));
        let shown = format!("absolute_until, {}", B::ID);
        if B::RETURNS_WRITTEN {
            format!("{update} RETURNING {shown}")
        } else {
            format!("SELECT {shown} FROM {sessions} {living} FOR UPDATE; {update}")
        }
    }

    /// Deletes sessions, and shows how long each would have lived, and its id.
    fn end(&self, which: &str) -> String {
        let Self {
            sessions, key, now, ..
        } = self;
        let of_subject = format!("FROM {sessions} WHERE subject_key = {key} AND {which}");
        let shown = format!("{} - {now}, {}", deadline::<B>(), B::ID);
        if B::RETURNS_WRITTEN {
            format!("DELETE {of_subject} RETURNING {shown}")
        } else {
            format!("SELECT {shown} {of_subject} FOR UPDATE; DELETE {of_subject}")
        }
    }
}

/// The assignments that turn a session into a tombstone.
///
/// Its idle deadline has passed, so that every other statement takes it for a session that has ended. The sweep removes
/// it when it is `due`.
pub(crate) fn tombstone<B: Dialect>(now: &str) -> String {
    format!(
        "due = {}(absolute_until, {now} + {}), idle_until = {now}, end_reason = {REPLACED},
            subject = NULL, subject_key = NULL, label = NULL, fields = {}",
        B::LEAST,
        to_i64(TOMBSTONE_MILLIS),
        B::bytes_literal(&[])
    )
}
