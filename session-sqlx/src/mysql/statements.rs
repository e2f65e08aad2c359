//! The statements of which MySQL has its own form.

use std::sync::Arc;

use super::MySqlBackend;
use crate::operations::{self, Dialect as _};
use crate::table::Table;

const DEADLINE: &str = "LEAST(idle_until, absolute_until)";

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) shared: operations::Statements,
    pub(super) ready: Arc<str>,
    pub(super) select_due: Arc<str>,
    /// The conditions for the keys of a batch are appended to this and the next statement.
    pub(super) delete_due: String,
    pub(super) update_due: String,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let shared = operations::Statements::new::<MySqlBackend>(table);
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
        }
    }
}
