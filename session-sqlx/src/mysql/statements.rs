//! The statements.

use std::sync::Arc;

use crate::row::COLUMNS;
use crate::table::Table;

/// The time of the server when the statement began.
const STARTED: &str =
    "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)";

/// The time of the server at this very timestamp, which may be long after the statement began: it had
/// to wait for a lock. `SYSDATE` alone is in the time zone of the connection, and means two moments
/// in the hour in which summer ends.
const NOW: &str = "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) \
                   + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) DIV 1000)";

const DEADLINE: &str = "LEAST(idle_until, absolute_until)";

const BY_KEY: &str = "WHERE namespace = ? AND id = ?";

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ready: Arc<str>,
    pub(super) select: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) delete_ended: Arc<str>,
    pub(super) write_load: Arc<str>,
    pub(super) commit: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) select_due: Arc<str>,
    /// The conditions for the keys of a batch are appended to this and the next statement.
    pub(super) delete_due: String,
    pub(super) update_due: String,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('`');
        let columns = COLUMNS.join(", ");
        Self {
            ready: format!("SELECT VERSION(), @@read_only, {STARTED}").into(),
            // `format` comes before the columns, and the time and the data after them.
            select: format!(
                "SELECT format, {columns}, {NOW}, revisions, fields FROM {table} {BY_KEY}"
            )
            .into(),
            insert: insert(table).into(),
            // The id of an ended record can be used again.
            delete_ended: format!(
                "DELETE FROM {table} {BY_KEY} AND format = 1 AND {DEADLINE} <= {NOW}"
            )
            .into(),
            write_load: write_load(table).into(),
            commit: commit(table).into(),
            // A record that has ended counts as missing; the sweep removes it.
            destroy: format!(
                "DELETE FROM {table} {BY_KEY} AND (format <> 1 OR {DEADLINE} > {NOW})"
            )
            .into(),
            count: format!(
                "SELECT COUNT(*) FROM {table}
                WHERE namespace = ? AND format = 1 AND {DEADLINE} > {STARTED}"
            )
            .into(),
            select_due: format!(
                "SELECT namespace, id, {DEADLINE} <= {STARTED} FROM {table}
                WHERE format = 1 AND due <= {STARTED} ORDER BY due LIMIT ?"
            )
            .into(),
            delete_due: format!(
                "DELETE FROM {table} WHERE format = 1 AND {DEADLINE} <= {STARTED} AND "
            ),
            update_due: format!("UPDATE {table} SET due = {DEADLINE} WHERE format = 1 AND "),
        }
    }
}

/// Arguments: namespace, id, commit id, transport, secret, idle and absolute (3 times), subject,
/// revisions, fields.
fn insert(table: &str) -> String {
    format!(
        "INSERT INTO {table} (namespace, id, format, version, epoch, generation, commit_id,
            transport, secret, secret_since, idle, absolute, created_at, idle_until,
            absolute_until, due, subject, revisions, fields)
        VALUES (?, ?, 1, 1, 0, 0, ?, ?, ?, {STARTED}, ?, ?, {STARTED}, {STARTED} + ?, {STARTED} + ?,
            {STARTED} + LEAST(?, ?), ?, ?, ?)"
    )
}

/// Writes the effects of a load. Arguments: the current secret (2 columns), the offered one (3) and the
/// previous one (2), whether the idle deadline moves, and the time of the load; then namespace, id, and
/// the epoch, secret and offered secret that the load read.
fn write_load(table: &str) -> String {
    format!(
        "UPDATE {table} SET secret = ?, secret_since = ?, offered_secret = ?, offered_at = ?,
            offered_grace = ?, previous_secret = ?, previous_until = ?,
            idle_until = IF(?, GREATEST(idle_until, ? + idle), idle_until)
        {BY_KEY} AND format = 1 AND {DEADLINE} > {NOW}
            AND epoch = ? AND secret = ? AND offered_secret <=> ?"
    )
}

/// Commits a change; the order of the arguments is that of the columns. MySQL assigns columns from left
/// to right, so a column that is computed from others comes before them. The conditions are evaluated
/// on the locked row. The new version is returned as the last inserted id.
fn commit(table: &str) -> String {
    let absolute_until = format!("IF(?, {NOW} + COALESCE(?, absolute), absolute_until)");
    let idle_until = format!("{NOW} + COALESCE(?, idle)");
    format!(
        "UPDATE {table} SET
            due = LEAST(due, {idle_until}, {absolute_until}),
            absolute_until = {absolute_until},
            idle_until = {idle_until},
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
        {BY_KEY} AND format = 1 AND {DEADLINE} > {NOW} AND commit_id <> ? AND generation = ?
            AND (NOT ? OR epoch = ?)
            AND JSON_CONTAINS(revisions, ?)
            AND JSON_LENGTH(JSON_MERGE_PATCH(revisions, ?)) = JSON_LENGTH(revisions) + ?"
    )
}
