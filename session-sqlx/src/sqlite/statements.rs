//! The statements of which SQLite has its own form.

use std::sync::Arc;

use super::SqliteBackend;
use crate::operations::{self, Dialect as _};
use crate::table::Table;

/// The texts of the statements for one table. `$1` is the current time in each.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) shared: operations::Statements,
    /// Selects a row that is due.
    pub(super) select_due: Arc<str>,
    /// `$2` is the maximum number of rows that this statement and the next one visit.
    pub(super) delete_due: Arc<str>,
    pub(super) update_due: Arc<str>,
    /// Selects a subject whose row nothing needs any more.
    pub(super) select_subject: Arc<str>,
    pub(super) delete_subjects: Arc<str>,
    /// Fails unless the subjects and their index are there.
    pub(super) probe_subjects: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let shared = operations::Statements::new::<SqliteBackend>(table);
        let subjects = &*table.subjects().quoted('"');
        let subject_index = table.subject_index();
        let table = &*table.quoted('"');
        let now = SqliteBackend::NOW;
        let deadline = "min(idle_until, absolute_until)";
        let is_due = format!("format = 2 AND due <= {now}");
        let in_batch =
            format!("rowid IN (SELECT rowid FROM {table} WHERE {is_due} ORDER BY due LIMIT $2)");
        Self {
            shared,
            select_due: format!("SELECT 1 FROM {table} WHERE {is_due} LIMIT 1").into(),
            delete_due: format!("DELETE FROM {table} WHERE {in_batch} AND {deadline} <= {now}")
                .into(),
            update_due: format!(
                "UPDATE {table} SET due = {deadline} WHERE {in_batch} AND {deadline} > {now}"
            )
            .into(),
            select_subject: format!("SELECT 1 FROM {subjects} WHERE kept_until <= {now} LIMIT 1")
                .into(),
            // The locks of a writer last for a statement, whatever it deletes.
            delete_subjects: format!("DELETE FROM {subjects} WHERE kept_until <= {now}").into(),
            probe_subjects: format!(
                "SELECT mark, kept_until FROM {subjects}
                WHERE subject_key = (
                    SELECT subject_key FROM {table} INDEXED BY \"{subject_index}\"
                    WHERE subject_key = x'' AND {now} IS NOT NULL)"
            )
            .into(),
        }
    }
}
