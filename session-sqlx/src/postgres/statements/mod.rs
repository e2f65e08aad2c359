//! The statements. Each performs a whole operation.

mod commit;
mod load;

use std::sync::Arc;

pub(super) use self::commit::Verdict;

use crate::table::Table;

/// The current time of the server. `now()` would be the start of the transaction, which can be long
/// before it acquired a lock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// The columns of a row `r` that a record is read from.
const RECORD: &str = "r.version, r.epoch, r.generation, r.commit_id, r.created_at, r.idle_until, \
                      r.absolute_until, r.idle, r.absolute, r.subject";

/// The columns that an insertion overwrites in an ended record.
const COLUMNS: [&str; 20] = [
    "version",
    "epoch",
    "generation",
    "commit_id",
    "transport",
    "secret",
    "secret_since",
    "offered_secret",
    "offered_at",
    "offered_grace",
    "previous_secret",
    "previous_until",
    "idle",
    "absolute",
    "created_at",
    "idle_until",
    "absolute_until",
    "due",
    "subject",
    "fields",
];

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ready: Arc<str>,
    pub(super) columns: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) load: Arc<str>,
    pub(super) commit: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) sweep: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('"');
        Self {
            ready: ready(table).into(),
            columns: columns(table).into(),
            insert: insert(table).into(),
            load: load::load(table).into(),
            commit: commit::commit(table).into(),
            destroy: destroy(table).into(),
            count: count(table).into(),
            sweep: sweep(table).into(),
        }
    }
}

/// Returns the kind and state of the server, whether the table exists, and whether it can be used.
fn ready(table: &str) -> String {
    format!(
        "SELECT version(), current_setting('server_version_num')::int, pg_is_in_recovery(), {NOW},
            to_regclass('{table}') IS NOT NULL,
            coalesce(has_table_privilege(to_regclass('{table}'), 'SELECT')
                AND has_table_privilege(to_regclass('{table}'), 'INSERT')
                AND has_table_privilege(to_regclass('{table}'), 'UPDATE')
                AND has_table_privilege(to_regclass('{table}'), 'DELETE'), false)"
    )
}

/// Fails unless the table has every column.
fn columns(table: &str) -> String {
    let columns = COLUMNS.join(", ");
    format!("SELECT namespace, id, format, {columns} FROM {table} LIMIT 0")
}

/// $1 namespace, $2 id, $3 commit id, $4 transport, $5 secret, $6 idle, $7 absolute, $8 subject,
/// $9 fields. Returns a row unless the id is in use.
fn insert(table: &str) -> String {
    let columns = COLUMNS.join(", ");
    let excluded = COLUMNS
        .map(|column| format!("excluded.{column}"))
        .join(", ");
    format!(
        "WITH clock AS MATERIALIZED (SELECT {NOW} AS now)
        INSERT INTO {table} AS r (namespace, id, format, {columns})
        SELECT $1::text, $2::text::uuid, 1, 1, 0, 0, $3::bytea, $4::smallint, $5::bytea, now,
            NULL, NULL, NULL, NULL, NULL, $6::bigint, $7::bigint, now, now + $6::bigint,
            now + $7::bigint, now + least($6::bigint, $7::bigint), $8::text, $9::text::jsonb
        FROM clock
        ON CONFLICT (namespace, id) DO UPDATE SET ({columns}) = ROW({excluded})
        WHERE r.format = 1 AND least(r.idle_until, r.absolute_until) <= {NOW}
        RETURNING r.created_at"
    )
}

/// $1 namespace, $2 id. Returns whether the record was alive, if there was one.
fn destroy(table: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
        RETURNING {NOW} < least(idle_until, absolute_until)"
    )
}

/// $1 namespace.
fn count(table: &str) -> String {
    format!(
        "SELECT count(*) FROM {table} WHERE namespace = $1::text AND format = 1
            AND least(idle_until, absolute_until) > (SELECT {NOW})"
    )
}

/// $1 the maximum number of rows. Returns how many rows were visited and how many of them were
/// removed. The deadline of the others was moved after `due` was written, so `due` is updated.
///
/// Rows that another session has locked are left to a later sweep, so that requests and sweeps do not
/// wait for each other. Rows are addressed by `ctid`, for which the planner cannot choose a full scan.
fn sweep(table: &str) -> String {
    format!(
        "WITH clock AS MATERIALIZED (SELECT {NOW} AS now),
        found AS MATERIALIZED (
            SELECT ctid AS row_id, least(idle_until, absolute_until) AS deadline FROM {table}
            WHERE format = 1 AND due <= (SELECT now FROM clock)
            ORDER BY due LIMIT $1::bigint FOR UPDATE SKIP LOCKED
        ),
        removed AS (
            DELETE FROM {table} WHERE ctid = ANY (ARRAY (
                SELECT row_id FROM found WHERE deadline <= (SELECT now FROM clock)
            )) RETURNING 1
        ),
        rescheduled AS (
            UPDATE {table} SET due = least(idle_until, absolute_until) WHERE ctid = ANY (ARRAY (
                SELECT row_id FROM found WHERE deadline > (SELECT now FROM clock)
            ))
        )
        SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM removed)"
    )
}
