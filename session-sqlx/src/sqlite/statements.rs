//! The statements.

use std::sync::Arc;

use crate::columns::COLUMNS;
use crate::table::Table;

/// The texts of the statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) select: Arc<str>,
    pub(super) replace: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) select_due: Arc<str>,
    pub(super) delete_due: Arc<str>,
    pub(super) update_due: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('"');
        let columns = COLUMNS.join(", ");
        let excluded = COLUMNS.map(|column| format!("excluded.{column}"));
        let excluded = excluded.join(", ");
        let placeholders = vec!["?"; COLUMNS.len()].join(", ");
        let deadline = "min(idle_until, absolute_until)";
        let by_key = "WHERE namespace = ? AND id = ?";
        Self {
            // `format` comes before the columns, and the data after them.
            select: format!("SELECT format, {columns}, fields FROM {table} {by_key}").into(),
            replace: format!(
                "INSERT INTO {table} (namespace, id, format, {columns}, fields)
                VALUES (?, ?, 2, {placeholders}, ?) ON CONFLICT (namespace, id)
                DO UPDATE SET ({columns}, fields) = ({excluded}, excluded.fields)"
            )
            .into(),
            destroy: format!("DELETE FROM {table} {by_key} RETURNING {deadline}").into(),
            count: format!(
                "SELECT count(*) FROM {table} WHERE namespace = ? AND format = 2 AND {deadline} > ?"
            )
            .into(),
            select_due: format!(
                "SELECT rowid, {deadline} FROM {table} WHERE format = 2 AND due <= ?
                ORDER BY due LIMIT ?"
            )
            .into(),
            delete_due: format!("DELETE FROM {table} WHERE rowid = ?").into(),
            update_due: format!("UPDATE {table} SET due = ? WHERE rowid = ?").into(),
        }
    }
}
