//! Removing ended sessions.

use super::SqliteBackend;
use crate::backend::{Inner, Swept};
use crate::error::StatementError;
use crate::operations::{Dialect, OneRow, Written};

impl Inner<SqliteBackend> {
    /// Removes ended rows among those that are due. The deadline of the others was moved after `due`
    /// was written, so `due` is updated.
    pub(super) async fn sweep_batch(&self, limit: usize) -> Result<Swept, StatementError> {
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        // Most sweeps find nothing; a read does not wait for writers.
        let due = SqliteBackend::run::<OneRow<_>>(self, &self.statements.select_due, || {
            SqliteBackend::first_args(self)
        });
        if due.await?.0.is_none() {
            return Ok(Swept {
                removed: 0,
                has_more: false,
            });
        }
        let args = || SqliteBackend::first_args(self).bind(rows);
        let count = |written: Written| usize::try_from(written.0).unwrap_or(usize::MAX);
        let removed = count(SqliteBackend::run(self, &self.statements.delete_due, args).await?);
        let updated = count(SqliteBackend::run(self, &self.statements.update_due, args).await?);
        Ok(Swept {
            removed,
            has_more: removed.saturating_add(updated) >= limit,
        })
    }

    /// Removes the subjects that nothing needs any more.
    pub(super) async fn sweep_subjects(&self) -> Result<bool, StatementError> {
        let args = || SqliteBackend::first_args(self);
        let found = SqliteBackend::run::<OneRow<_>>(self, &self.statements.select_subject, args);
        if found.await?.0.is_some() {
            let delete = &self.statements.delete_subjects;
            SqliteBackend::run::<Written>(self, delete, args).await?;
        }
        Ok(false)
    }
}
