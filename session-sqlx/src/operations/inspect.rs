//! What an administrator may see of a session.

use connect_session_runtime::record::Key;
use connect_session_runtime::store::{Inspected, LiveCount, StoreError};

use super::values::namespace_number;
use super::{Dialect, OneRow};
use crate::backend::Inner;
use crate::convert::to_u64;
use crate::error::StatementError;

impl<B: Dialect> Inner<B> {
    pub(crate) async fn inspect(&self, key: Key) -> Result<Option<Inspected>, StoreError> {
        let args = || B::first_args(self).key(key);
        let row: Result<OneRow<B::Db>, _> =
            B::run(self, &B::shared_statements(self).inspect, args).await;
        let row = row.map_err(StatementError::into_read_error)?.0;
        row.map(|row| B::read_inspected(&row, key.id)).transpose()
    }

    pub(crate) async fn live_count(
        &self,
        namespace: &str,
        at_most: u64,
    ) -> Result<LiveCount, StoreError> {
        // One more than asked for shows whether there are more.
        let rows_arg = i64::try_from(at_most).unwrap_or(i64::MAX).saturating_add(1);
        let args = || {
            let args = B::first_args(self).number(namespace_number(namespace));
            args.number(rows_arg)
        };
        let row: Result<OneRow<B::Db>, _> =
            B::run(self, &B::shared_statements(self).count_some, args).await;
        let row = row.map_err(StatementError::into_read_error)?.0;
        let count = row.map_or(Ok(0), |row| B::read_number(&row).map(to_u64))?;
        Ok(if count > at_most {
            LiveCount::AtLeast(at_most)
        } else {
            LiveCount::Exact(count)
        })
    }
}
