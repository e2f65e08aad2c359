//! Removing ended sessions.

use sqlx::Row as _;

use super::SqliteBackend;
use super::write::Finish;
use crate::args::Args;
use crate::backend::{Inner, Swept};
use crate::convert::to_i64;
use crate::error::StatementError;

impl Inner<SqliteBackend> {
    /// Removes ended rows among those that are due. The deadline of the others was moved after `due`
    /// was written, so `due` is updated.
    pub(super) async fn sweep_batch(&self, limit: usize) -> Result<Swept, StatementError> {
        let now = to_i64(self.now());
        let batch = i64::try_from(limit).unwrap_or(i64::MAX);
        let args = || Args::new().bind(now).bind(batch);
        // Most sweeps find nothing; a read does not wait for writers.
        let found = self.all(&self.statements.select_due, args()).await?;
        if found.is_empty() {
            return Ok(Swept {
                removed: 0,
                has_more: false,
            });
        }
        self.write(async |txn| {
            let rows = txn.all(&self.statements.select_due, args()).await?;
            let mut removed = 0;
            for row in &rows {
                let (Ok(rowid), Ok(deadline)) =
                    (row.try_get::<i64, _>(0), row.try_get::<i64, _>(1))
                else {
                    continue;
                };
                if deadline <= now {
                    removed += 1;
                    let args = Args::new().bind(rowid);
                    txn.run(&self.statements.delete_due, args).await?;
                } else {
                    let args = Args::new().bind(deadline).bind(rowid);
                    txn.run(&self.statements.update_due, args).await?;
                }
            }
            Ok(Finish::Commit(Swept {
                removed,
                has_more: rows.len() >= limit,
            }))
        })
        .await
    }
}
