//! The statements.

use std::sync::Arc;

use crate::row::COLUMNS;
use crate::table::Table;

/// Texts that every use shares.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) select: Arc<str>,
    pub(super) replace: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) found: Arc<str>,
    pub(super) removed: Arc<str>,
    pub(super) filed: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('"');
        let columns = COLUMNS.join(", ");
        let excluded = COLUMNS.map(|column| format!("excluded.{column}"));
        let excluded = excluded.join(", ");
        let places = vec!["?"; COLUMNS.len()].join(", ");
        let deadline = "min(idle_until, absolute_until)";
        let about = "WHERE namespace = ? AND id = ?";
        Self {
            // `format` before the columns, and the data after them.
            select: format!("SELECT format, {columns}, fields FROM {table} {about}").into(),
            replace: format!(
                "INSERT INTO {table} (namespace, id, format, {columns}, fields)
                VALUES (?, ?, 1, {places}, ?) ON CONFLICT (namespace, id)
                DO UPDATE SET ({columns}, fields) = ({excluded}, excluded.fields)"
            )
            .into(),
            destroy: format!("DELETE FROM {table} {about} RETURNING {deadline}").into(),
            count: format!(
                "SELECT count(*) FROM {table} WHERE namespace = ? AND format = 1 AND {deadline} > ?"
            )
            .into(),
            found: format!(
                "SELECT rowid, {deadline} FROM {table} WHERE format = 1 AND due <= ?
                ORDER BY due LIMIT ?"
            )
            .into(),
            removed: format!("DELETE FROM {table} WHERE rowid = ?").into(),
            filed: format!("UPDATE {table} SET due = ? WHERE rowid = ?").into(),
        }
    }
}
