//! The statements.

use std::sync::Arc;

use crate::row::COLUMNS;
use crate::table::Table;

/// The time of the server when the statement began.
const BEGAN: &str =
    "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)";

/// The time of the server at this very timestamp, which may be long after the statement began: it had
/// to wait for a lock. `SYSDATE` alone is in the time zone of the connection, and means two moments
/// in the hour in which summer ends.
const NOW: &str = "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) \
                   + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) DIV 1000)";

const DEADLINE: &str = "LEAST(idle_until, absolute_until)";

const ABOUT: &str = "WHERE namespace = ? AND id = ?";

/// Texts that every use shares.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ready: Arc<str>,
    pub(super) select: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) forget: Arc<str>,
    pub(super) admit: Arc<str>,
    pub(super) commit: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) found: Arc<str>,
    /// These end where the keys of a batch are named.
    pub(super) removed: String,
    pub(super) filed: String,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('`');
        let columns = COLUMNS.join(", ");
        Self {
            ready: format!("SELECT VERSION(), @@read_only, {BEGAN}").into(),
            // `format` before the columns, and the time and the data after them.
            select: format!(
                "SELECT format, {columns}, {NOW}, revisions, fields FROM {table} {ABOUT}"
            )
            .into(),
            insert: insert(table).into(),
            // An ended record gives its id free.
            forget: format!("DELETE FROM {table} {ABOUT} AND format = 1 AND {DEADLINE} <= {NOW}")
                .into(),
            admit: admit(table).into(),
            commit: commit(table).into(),
            // What has ended is nothing to destroy; the sweep takes it.
            destroy: format!("DELETE FROM {table} {ABOUT} AND (format <> 1 OR {DEADLINE} > {NOW})")
                .into(),
            count: format!(
                "SELECT COUNT(*) FROM {table}
                WHERE namespace = ? AND format = 1 AND {DEADLINE} > {BEGAN}"
            )
            .into(),
            found: format!(
                "SELECT namespace, id, {DEADLINE} <= {BEGAN} FROM {table}
                WHERE format = 1 AND due <= {BEGAN} ORDER BY due LIMIT ?"
            )
            .into(),
            removed: format!("DELETE FROM {table} WHERE format = 1 AND {DEADLINE} <= {BEGAN} AND "),
            filed: format!("UPDATE {table} SET due = {DEADLINE} WHERE format = 1 AND "),
        }
    }
}

/// Namespace, id, commit id, transport, secret, idle, absolute, idle, absolute, idle, absolute,
/// subject, revisions, fields.
fn insert(table: &str) -> String {
    format!(
        "INSERT INTO {table} (namespace, id, format, version, epoch, generation, commit_id,
            transport, secret, secret_since, idle, absolute, created_at, idle_until,
            absolute_until, due, subject, revisions, fields)
        VALUES (?, ?, 1, 1, 0, 0, ?, ?, ?, {BEGAN}, ?, ?, {BEGAN}, {BEGAN} + ?, {BEGAN} + ?,
            {BEGAN} + LEAST(?, ?), ?, ?, ?)"
    )
}

/// What a load writes: secret, since, the offer (three), the previous (two), whether it touches, when
/// it looked; then namespace, id, and what it saw: epoch, secret, offer.
fn admit(table: &str) -> String {
    format!(
        "UPDATE {table} SET secret = ?, secret_since = ?, offered_secret = ?, offered_at = ?,
            offered_grace = ?, previous_secret = ?, previous_until = ?,
            idle_until = IF(?, GREATEST(idle_until, ? + idle), idle_until)
        {ABOUT} AND format = 1 AND {DEADLINE} > {NOW}
            AND epoch = ? AND secret = ? AND offered_secret <=> ?"
    )
}

/// In this order: the lifetime (see the columns `due`, `absolute_until`, `idle_until`), the secret,
/// the rest; the columns that others are computed from come after those. Whether it is applied is
/// asked of the row under its lock; the version comes back as the id that was last inserted.
fn commit(table: &str) -> String {
    let ends = format!("IF(?, {NOW} + COALESCE(?, absolute), absolute_until)");
    let slid = format!("{NOW} + COALESCE(?, idle)");
    format!(
        "UPDATE {table} SET
            due = LEAST(due, {slid}, {ends}),
            absolute_until = {ends},
            idle_until = {slid},
            idle = COALESCE(?, idle),
            absolute = COALESCE(?, absolute),
            offered_secret = IF(?, NULL, offered_secret),
            offered_at = IF(?, NULL, offered_at),
            offered_grace = IF(?, NULL, offered_grace),
            previous_secret = IF(?, NULL, previous_secret),
            previous_until = IF(?, NULL, previous_until),
            secret_since = IF(?, {NOW}, secret_since),
            secret = COALESCE(?, secret),
            epoch = epoch + ?,
            generation = generation + ?,
            subject = IF(?, ?, subject),
            commit_id = ?,
            revisions = IF(?, JSON_MERGE_PATCH(IF(?, '{{}}', revisions),
                REPLACE(?, '@', version + 1)), revisions),
            fields = IF(?, JSON_MERGE_PATCH(IF(?, '{{}}', fields), ?), fields),
            version = LAST_INSERT_ID(version + ?)
        {ABOUT} AND format = 1 AND {DEADLINE} > {NOW} AND commit_id <> ? AND generation = ?
            AND (NOT ? OR epoch = ?)
            AND JSON_CONTAINS(revisions, ?)
            AND JSON_LENGTH(JSON_MERGE_PATCH(revisions, ?)) = JSON_LENGTH(revisions) + ?"
    )
}
