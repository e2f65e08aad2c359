//! The statements of which PostgreSQL has its own form.

use std::sync::Arc;

use super::PostgresBackend;
use crate::columns::COLUMNS;
use crate::operations::{self, Dialect as _};
use crate::table::Table;

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) shared: operations::Statements,
    pub(super) ready: Arc<str>,
    pub(super) columns: Arc<str>,
    pub(super) subjects: Arc<str>,
    pub(super) sweep: Arc<str>,
    pub(super) sweep_subjects: Arc<str>,
}

/// The number of subjects that a sweep removes in one step.
pub(super) const SUBJECTS: usize = 500;

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let shared = operations::Statements::new::<PostgresBackend>(table);
        let subjects = &*table.subjects().quoted('"');
        let subject_index = table.quoted_subject_index('"');
        let table = &*table.quoted('"');
        Self {
            shared,
            ready: ready(table, subjects, &subject_index).into(),
            columns: columns(table).into(),
            subjects: format!("SELECT subject_key, mark, kept_until FROM {subjects} LIMIT 0")
                .into(),
            sweep: sweep(table).into(),
            sweep_subjects: sweep_subjects(subjects).into(),
        }
    }
}

/// Returns the kind and state of the server, whether the tables exist, whether they can be used, whether the
/// server can be changed, the encoding of texts, and whether the index of subjects exists.
fn ready(table: &str, subjects: &str, subject_index: &str) -> String {
    let can_use = |table: &str| {
        ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .map(|right| format!("has_table_privilege(to_regclass('{table}'), '{right}')"))
            .join(" AND ")
    };
    format!(
        "SELECT version(), current_setting('server_version_num')::int, pg_is_in_recovery(), {},
            to_regclass('{table}') IS NOT NULL AND to_regclass('{subjects}') IS NOT NULL,
            coalesce({} AND {}, false), current_setting('transaction_read_only'),
            getdatabaseencoding()::text, to_regclass('{subject_index}') IS NOT NULL",
        PostgresBackend::NOW,
        can_use(table),
        can_use(subjects)
    )
}

/// Fails unless the table has every column.
fn columns(table: &str) -> String {
    let columns = COLUMNS.join(", ");
    format!(
        "SELECT namespace, id, format, {columns}, data_version, fields, end_reason FROM {table} LIMIT 0"
    )
}

/// $1 the maximum number of rows. Returns how many rows were visited and how many of them were
/// removed. The deadline of the others was moved after `due` was written, so `due` is updated.
///
/// Rows that another session has locked are left to a later sweep, so that requests and sweeps do not
/// wait for each other. Rows are addressed by `ctid`, for which the planner cannot choose a full scan.
fn sweep(table: &str) -> String {
    format!(
        "WITH clock AS MATERIALIZED (SELECT {now} AS now),
        found AS MATERIALIZED (
            SELECT ctid AS row_id, least(idle_until, absolute_until) AS deadline FROM {table}
            WHERE format = 2 AND due <= (SELECT now FROM clock)
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
        SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM removed)",
        now = PostgresBackend::NOW
    )
}

/// Removes subjects that nothing needs any more.
fn sweep_subjects(subjects: &str) -> String {
    format!(
        "DELETE FROM {subjects} WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM {subjects} WHERE kept_until <= {} LIMIT {SUBJECTS} FOR UPDATE SKIP LOCKED
        )) RETURNING 1",
        PostgresBackend::NOW
    )
}
