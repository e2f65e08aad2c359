//! Removing what has ended.

use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::{MySql, Row as _};

use super::Inner;
use crate::args::Args;
use crate::error::{StatementError, bad_column};
use connect_session_runtime::store::StoreError;

/// How many rows one statement removes: it holds their locks until it has ended, and somebody may
/// ask for one of them.
const BATCH: usize = 100;

/// The namespace and the id.
type Place = (Vec<u8>, Vec<u8>);

impl Inner {
    /// Looks for what is due without a lock, and then removes it by its keys: a range of an index
    /// would be locked with the gaps in it, and everybody who writes there would wait. The rows are
    /// taken in the order of their keys, so that no two sweeps wait for each other.
    pub(super) async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let batch = BATCH.min(limit - removed);
            let args = Args::new().bind(i64::try_from(batch).unwrap_or(i64::MAX));
            let rows = self.rows(&self.statements.found, args).await;
            let rows = rows.map_err(StatementError::into_read_error)?;
            let (mut ended, mut alive) = (Vec::new(), Vec::new());
            for row in &rows {
                let place = (
                    row.try_get(0).map_err(bad_column)?,
                    row.try_get(1).map_err(bad_column)?,
                );
                let has_ended: bool = row.try_get(2).map_err(bad_column)?;
                if has_ended { &mut ended } else { &mut alive }.push(place);
            }
            let gone = self.each(&self.statements.removed, ended).await?;
            // Their deadline moved since they were filed.
            let filed = self.each(&self.statements.filed, alive).await?;
            removed += gone;
            // Another sweep may have taken everything; it goes on, and this one need not.
            if rows.len() < batch || removed >= limit || gone + filed == 0 {
                return Ok(removed);
            }
        }
    }

    /// Runs a statement about these records, and says how many there were.
    async fn each(&self, statement: &str, mut places: Vec<Place>) -> Result<usize, StoreError> {
        if places.is_empty() {
            return Ok(0);
        }
        places.sort_unstable();
        let mut text = statement.to_owned();
        let mut args: Args<MySql> = Args::new();
        for (at, (namespace, id)) in places.into_iter().enumerate() {
            let or = if at == 0 { "(" } else { " OR " };
            let _ = write!(text, "{or}(namespace = ? AND id = ?)");
            args = args.bind(namespace).bind(id);
        }
        text.push(')');
        let text: Arc<str> = text.into();
        let done = self
            .run(&text, args)
            .await
            .map_err(StatementError::into_read_error)?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }
}
