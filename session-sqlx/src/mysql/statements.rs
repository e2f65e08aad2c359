//! The statements of which MySQL has its own form.

use std::sync::Arc;

use super::MySqlBackend;
use crate::operations::{self, Dialect as _};
use crate::table::Table;

const DEADLINE: &str = "LEAST(idle_until, absolute_until)";

/// The number of subjects that a sweep removes in one step.
pub(super) const SUBJECTS: usize = 100;

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) shared: operations::Statements,
    pub(super) ready: Arc<str>,
    pub(super) select_due: Arc<str>,
    /// The conditions for the keys of a batch are appended to this and the next statement.
    pub(super) delete_due: String,
    pub(super) update_due: String,
    /// Selects subjects whose rows nothing needs any more.
    pub(super) select_subjects: Arc<str>,
    /// The keys of a batch are appended.
    pub(super) delete_subjects: String,
    /// Fails unless the subjects and their index are there.
    pub(super) probe_subjects: Arc<str>,
    pub(super) probe_subject_index: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let shared = operations::Statements::new::<MySqlBackend>(table);
        let subjects = &*table.subjects().quoted('`');
        let subject_index = table.subject_index();
        let table = &*table.quoted('`');
        let started = MySqlBackend::STARTED;
        Self {
            shared,
            ready: format!("SELECT VERSION(), @@read_only, {started}").into(),
            select_due: format!(
                "SELECT namespace, id, {DEADLINE} <= {started} FROM {table}
                WHERE format = 2 AND due <= {started} ORDER BY due LIMIT ?"
            )
            .into(),
            delete_due: format!(
                "DELETE FROM {table} WHERE format = 2 AND {DEADLINE} <= {started} AND "
            ),
            update_due: format!("UPDATE {table} SET due = {DEADLINE} WHERE format = 2 AND "),
            select_subjects: format!(
                "SELECT subject_key FROM {subjects} WHERE kept_until <= {started} LIMIT {SUBJECTS}"
            )
            .into(),
            delete_subjects: format!(
                "DELETE FROM {subjects} WHERE kept_until <= {started} AND subject_key IN "
            ),
            probe_subjects: format!(
                "DELETE FROM {subjects} WHERE subject_key = '' AND mark = kept_until"
            )
            .into(),
            probe_subject_index: format!(
                "SELECT id FROM {table} FORCE INDEX (`{subject_index}`) WHERE subject_key = ''"
            )
            .into(),
        }
    }
}
