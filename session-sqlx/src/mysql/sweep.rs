//! Removing ended sessions.

use std::fmt::Write as _;

use sqlx::{MySql, Row as _};

use connect_session_runtime::store::StoreError;

use super::MySqlBackend;
use super::statements::SUBJECTS;
use crate::args::Args;
use crate::backend::{Inner, Swept};
use crate::error::{StatementError, bad_column};
use crate::operations::{Dialect as _, Rows, Written};

/// The namespace and the id.
type Key = (i64, Vec<u8>);

impl Inner<MySqlBackend> {
    /// Finds the rows that are due without locking them, and removes them by key. Locking a range of
    /// the index would also lock its gaps, and delay every insertion into them. Each statement locks
    /// rows in key order, so that two sweeps cannot deadlock.
    pub(super) async fn sweep_batch(&self, limit: usize) -> Result<Swept, StoreError> {
        let limit_arg = i64::try_from(limit).unwrap_or(i64::MAX);
        let args = || Args::new().bind(limit_arg);
        let rows: Result<Rows<_>, _> =
            MySqlBackend::run(self, &self.statements.select_due, args).await;
        let rows = rows.map_err(StatementError::into_read_error)?.0;
        let (mut ended, mut alive) = (Vec::new(), Vec::new());
        for row in &rows {
            let key = (
                row.try_get(0).map_err(bad_column)?,
                row.try_get(1).map_err(bad_column)?,
            );
            let has_ended: bool = row.try_get(2).map_err(bad_column)?;
            if has_ended { &mut ended } else { &mut alive }.push(key);
        }
        let removed = self.run_for(&self.statements.delete_due, ended).await?;
        // The deadline of these was moved after `due` was written.
        let updated = self.run_for(&self.statements.update_due, alive).await?;
        Ok(Swept {
            removed,
            // If another sweep took all of these rows, it will take the others too.
            has_more: rows.len() >= limit && removed + updated > 0,
        })
    }

    /// Finds the subjects that nothing needs any more without locking them, and removes them by key.
    pub(super) async fn sweep_subjects(&self) -> Result<bool, StoreError> {
        let rows: Result<Rows<_>, _> =
            MySqlBackend::run(self, &self.statements.select_subjects, Args::new).await;
        let rows = rows.map_err(StatementError::into_read_error)?.0;
        let keys = rows.iter().map(|row| row.try_get(0).map_err(bad_column));
        let mut keys = keys.collect::<Result<Vec<Vec<u8>>, _>>()?;
        if keys.is_empty() {
            return Ok(false);
        }
        keys.sort_unstable();
        let places = vec!["?"; keys.len()].join(", ");
        let text = format!("{}({places})", self.statements.delete_subjects);
        let args = || (keys.iter()).fold(Args::new(), |args: Args<MySql>, key| args.bind(&**key));
        let removed: Result<Written, _> = MySqlBackend::run(self, &text.into(), args).await;
        let Written(removed) = removed.map_err(StatementError::into_read_error)?;
        Ok(keys.len() >= SUBJECTS && removed > 0)
    }

    /// Runs a statement for the rows with these keys, and returns how many it changed.
    async fn run_for(&self, statement: &str, mut keys: Vec<Key>) -> Result<usize, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        keys.sort_unstable();
        let mut text = statement.to_owned();
        for at in 0..keys.len() {
            let or = if at == 0 { "(" } else { " OR " };
            let _ = write!(text, "{or}(namespace = ? AND id = ?)");
        }
        text.push(')');
        let args = || {
            (keys.iter()).fold(Args::new(), |args: Args<MySql>, (namespace, id)| {
                args.bind(*namespace).bind(&**id)
            })
        };
        let changed: Result<Written, _> = MySqlBackend::run(self, &text.into(), args).await;
        let changed = changed.map_err(StatementError::into_read_error)?;
        Ok(usize::try_from(changed.0).unwrap_or(usize::MAX))
    }
}
