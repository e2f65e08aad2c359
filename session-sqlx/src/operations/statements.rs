//! The statements that all databases share. Each performs a whole operation on one record.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use std::fmt::Write as _;
use std::sync::Arc;

use super::Dialect;
use crate::columns::COLUMNS;
use crate::row::{self, Member};
use crate::table::Table;

const BY_KEY: &str = "WHERE namespace = ? AND id = ?";

pub(super) fn deadline<B: Dialect>() -> String {
    format!("{}(idle_until, absolute_until)", B::LEAST)
}

/// The condition of a session that is alive.
///
/// The sum keeps the index of `due` out of the plan. To PostgreSQL, it is as good as any other while the table is small,
/// and a prepared statement keeps its plan while the table grows.
pub(crate) fn is_alive<B: Dialect>(now: &str) -> String {
    format!("format + 0 = 2 AND {} > {now}", deadline::<B>())
}

/// The texts of the statements for one table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) load: Arc<str>,
    pub(crate) select: Arc<str>,
    pub(crate) write_load: Arc<str>,
    pub(crate) insert: Arc<str>,
    /// For a record with a login or a label.
    pub(crate) insert_login: LoginStatement,
    pub(crate) delete_ended: Arc<str>,
    pub(crate) commit_data: Arc<str>,
    pub(crate) commit: Arc<str>,
    /// For a change of the login or the label.
    pub(crate) commit_login: LoginStatement,
    pub(crate) destroy: Arc<str>,
    pub(crate) count: Arc<str>,
    pub(crate) count_some: Arc<str>,
    pub(crate) inspect: Arc<str>,
    pub(crate) mark: Arc<str>,
    pub(crate) list: Arc<str>,
    pub(crate) count_members: Arc<str>,
    pub(crate) end_member: Arc<str>,
}

/// A statement that can log a session in.
#[derive(Debug)]
pub(crate) struct LoginStatement {
    /// For a login without terms.
    pub(crate) always: Arc<str>,
    /// Made of it by [`LogIn::login_on_terms`](super::LogIn::login_on_terms).
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        allow(dead_code, reason = "SQLite logs in within a transaction")
    )]
    pub(crate) on_terms: Arc<str>,
}

impl Statements {
    pub(crate) fn new<B: Dialect>(table: &Table) -> Self {
        let subjects = &*table.subjects().quoted(B::QUOTE);
        let table = &*table.quoted(B::QUOTE);
        let deadline = deadline::<B>();
        let finish = |text: String| -> Arc<str> { B::with_placeholders(text).into() };
        let write = |text: String| finish(format!("{text}{}", B::WRITTEN));
        let insert_login = Insert::new::<B>(table, true);
        let commit_login = commit::<B>(table, true);
        let on_terms = |login: &dyn Fn(&str) -> String| -> Arc<str> {
            B::login_on_terms(table, subjects, login).into()
        };
        Self {
            load: finish(load::<B>(table)),
            select: finish(select::<B>(table)),
            write_load: write(write_load::<B>(table)),
            insert: write(Insert::new::<B>(table, false).always()),
            insert_login: LoginStatement {
                always: write(insert_login.always()),
                on_terms: on_terms(&|condition| insert_login.if_true::<B>(condition)),
            },
            // The id of an ended record can be used again.
            delete_ended: write(format!(
                "DELETE FROM {table} {BY_KEY} AND format + 0 = 2 AND {deadline} <= {}",
                B::NOW
            )),
            commit_data: write(commit_data::<B>(table)),
            commit: finish(format!("{}{}", commit::<B>(table, false), B::COMMITTED)),
            commit_login: LoginStatement {
                always: finish(format!("{commit_login}{}", B::COMMITTED)),
                on_terms: on_terms(&|condition| format!("{commit_login} AND {condition}")),
            },
            // A record that has ended counts as missing; the sweep removes it.
            destroy: write(format!(
                "DELETE FROM {table} {BY_KEY} AND (format <> 2 OR {deadline} > {})",
                B::NOW
            )),
            count: finish(format!(
                "SELECT COUNT(*) FROM {table}
                WHERE namespace = ? AND {}",
                is_alive::<B>(B::STARTED)
            )),
            count_some: finish(format!(
                "SELECT COUNT(*) FROM (
                    SELECT id FROM {table} WHERE namespace = ? AND format = 2 AND {deadline} > {}
                    LIMIT ?
                ) living",
                B::STARTED
            )),
            inspect: finish(format!(
                "SELECT {} FROM {table} {BY_KEY} AND (format <> 2 OR {deadline} > {})",
                row::INSPECTED,
                B::STARTED
            )),
            mark: finish(format!("SELECT mark FROM {subjects} WHERE subject_key = ?")),
            list: finish(list::<B>(table)),
            count_members: finish(format!(
                "SELECT COUNT(*) FROM {table} WHERE subject_key = ? AND {}",
                is_alive::<B>(B::STARTED)
            )),
            end_member: write(format!(
                "DELETE FROM {table} {BY_KEY} AND subject_key = ?
                    AND (format <> 2 OR {deadline} > {})",
                B::NOW
            )),
        }
    }
}

/// Arguments: subject key, the time and the id of the login before the first one, the time twice; the
/// number of rows.
fn list<B: Dialect>(table: &str) -> String {
    format!(
        "SELECT {}, {} FROM {table}
        WHERE subject_key = ? AND login_at <= ? AND (login_at <> ? OR id < ?) AND {}
        ORDER BY login_at DESC, id DESC LIMIT ?",
        B::ID,
        Member::COLUMNS,
        is_alive::<B>(B::STARTED)
    )
}

/// Arguments: namespace and id.
fn select<B: Dialect>(table: &str) -> String {
    // `format` comes before the columns, and the time, the data and the reason of the end after them.
    format!(
        "SELECT format, {}, {}, data_version, fields, end_reason FROM {table} {BY_KEY}",
        COLUMNS.join(", "),
        B::NOW
    )
}

/// Selects a record that the presented secret may open, or a tombstone that it may read. Arguments: namespace,
/// id, transport, secret.
///
/// Whether a previous secret is within its grace period is decided by the caller, as is what is due.
fn load<B: Dialect>(table: &str) -> String {
    let (now, deadline) = (B::NOW, deadline::<B>());
    format!(
        "{} AND (format <> 2
            OR transport = ? AND ({deadline} > {now} OR end_reason IS NOT NULL AND due > {now})
            AND ? IN (secret, offered_secret, previous_secret))",
        select::<B>(table)
    )
}

/// Writes the effects of a load, if the secrets still are those that it read. Arguments: the current
/// secret (2 columns), the offered one (3) and the previous one (2), and the new idle deadline; then
/// namespace, id, the epoch, secret and offered secret that the load read, and whether it presented the
/// previous secret.
fn write_load<B: Dialect>(table: &str) -> String {
    let (now, same, greatest) = (B::NOW, B::SAME, B::GREATEST);
    let is_alive = is_alive::<B>(now);
    format!(
        "UPDATE {table} SET secret = ?, secret_since = ?, offered_secret = ?, offered_at = ?,
            offered_grace = ?, previous_secret = ?, previous_until = ?,
            idle_until = {greatest}(idle_until, ?), first_use_until = NULL
        {BY_KEY} AND {is_alive}
            AND epoch = ? AND secret = ? AND offered_secret {same} ?
            AND (NOT ? OR previous_until > {now})"
    )
}

/// A statement that inserts a record, in two parts. Arguments: namespace, id, transport, commit id, secret, idle and
/// absolute lifetime, both deadlines, the shorter of them, the time until the first use or null, version of the data
/// or null, fields; for a login or a label, also subject, subject key, whether there is a login (twice), level, label.
struct Insert {
    into: String,
    values: String,
}

impl Insert {
    fn new<B: Dialect>(table: &str, has_login: bool) -> Self {
        let now = B::STARTED;
        let (columns, values) = if has_login {
            let login = ", subject, subject_key, login_at, authenticated_at, level, label";
            let at = format!("CASE WHEN ? THEN {now} END");
            (login, format!(", ?, ?, {at}, {at}, ?, ?"))
        } else {
            ("", String::new())
        };
        Self {
            into: format!(
                "INSERT INTO {table} (namespace, id, format, version, epoch, generation, transport,
                    commit_id, secret, idle, absolute, secret_since, created_at, idle_until,
                    absolute_until, due, first_use_until, data_version, fields{columns})"
            ),
            values: format!(
                "?, ?, 2, 1, 0, 0, ?, ?, ?, ?, ?, {now}, {now}, {now} + ?, {now} + ?, {now} + ?,
                    {now} + ?, ?, ?{values}"
            ),
        }
    }

    fn always(&self) -> String {
        format!("{} VALUES ({})", self.into, self.values)
    }

    fn if_true<B: Dialect>(&self, condition: &str) -> String {
        format!(
            "{} SELECT {}{} WHERE {condition}",
            self.into,
            self.values,
            B::FROM_NOTHING
        )
    }
}

/// The idle deadline after a change that would set it to this. Until a load finds the record, it does not
/// move to a later time.
fn idle_after<B: Dialect>(until: &str) -> String {
    format!(
        "{}({until}, CASE WHEN first_use_until IS NULL THEN {} ELSE idle_until END)",
        B::LEAST,
        i64::MAX
    )
}

/// Writes data and nothing else: the most frequent change. `due` stays, because the idle deadline does
/// not move back. Arguments: commit id, version of the data or null, fields; namespace, id, generation,
/// version, and the latest version of data into whose records it may be written.
///
/// If the change was applied before, the version is another one.
fn commit_data<B: Dialect>(table: &str) -> String {
    let now = B::NOW;
    let is_alive = is_alive::<B>(now);
    let idle_until = idle_after::<B>(&format!("{now} + idle"));
    format!(
        "UPDATE {table} SET idle_until = {idle_until}, commit_id = ?, data_version = ?, fields = ?,
            version = version + 1
        {BY_KEY} AND {is_alive} AND generation = ? AND version = ?
            AND COALESCE(data_version, 1) <= ?"
    )
}

/// Commits any change; the order of the arguments is that of the columns. MySQL assigns columns from left
/// to right, so a column that is computed from others comes before them.
fn commit<B: Dialect>(table: &str, changes_login: bool) -> String {
    let (now, least) = (B::NOW, B::LEAST);
    let is_alive = is_alive::<B>(now);
    let absolute_until =
        format!("CASE WHEN ? THEN {now} + COALESCE(?, absolute) ELSE absolute_until END");
    let idle_until = format!("{now} + COALESCE(?, idle)");
    let unless_replaced = |column| format!("{column} = CASE WHEN ? THEN NULL ELSE {column} END");
    let others = [
        "offered_secret",
        "offered_at",
        "offered_grace",
        "previous_secret",
        "previous_until",
    ];
    let login = if changes_login {
        format!("{},", login::<B>())
    } else {
        String::new()
    };
    format!(
        "UPDATE {table} SET
            due = {least}(due, {idle_until}, {absolute_until}),
            absolute_until = {absolute_until},
            idle_until = {},
            idle = COALESCE(?, idle),
            absolute = COALESCE(?, absolute),
            {},
            secret_since = CASE WHEN ? THEN {now} ELSE secret_since END,
            secret = COALESCE(?, secret),
            epoch = epoch + ?,
            generation = generation + ?,
            {login}
            commit_id = ?,
            data_version = CASE WHEN ? THEN ? ELSE data_version END,
            fields = COALESCE(?, fields),
            version = {}
        {BY_KEY} AND {is_alive} AND commit_id <> ? AND generation = ?
            AND (NOT ? OR epoch = ?) AND (NOT ? OR version = ?) AND (NOT ? OR COALESCE(data_version, 1) <= ?)",
        idle_after::<B>(&idle_until),
        others.map(unless_replaced).join(", "),
        B::RAISED
    )
}

/// The assignments of a change of the login or the label. Arguments: whether the login is new and whether
/// it is removed; whether the user is authenticated again; whether the level is replaced, the new level,
/// and that of an authentication; whether the label is replaced, and the new one; and for the subject and
/// the subject key, whether it is replaced, and the new one.
fn login<B: Dialect>() -> String {
    // The same time in both columns.
    let now = B::STARTED;
    format!(
        "login_at = CASE WHEN ? THEN {now} WHEN ? THEN NULL ELSE login_at END,
            authenticated_at = CASE WHEN ? THEN {now} WHEN ? THEN NULL
                WHEN ? AND subject IS NOT NULL THEN {now} ELSE authenticated_at END,
            level = CASE WHEN ? THEN ? WHEN subject IS NOT NULL THEN COALESCE(?, level) ELSE level END,
            label = CASE WHEN ? THEN ? ELSE label END,
            subject = CASE WHEN ? THEN ? ELSE subject END,
            subject_key = CASE WHEN ? THEN ? ELSE subject_key END"
    )
}

/// The text with numbered placeholders such as `$1` in place of each `?`, beginning with `first`.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn numbered(text: &str, first: usize) -> String {
    let mut parts = text.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        let _ = write!(numbered, "${}{part}", first + at);
    }
    numbered
}
